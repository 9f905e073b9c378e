"""Who should own what: the same rule in every process, from the same facts, without a leader.

Leases that are alike (all partitions, or one projection's) form a group. Every process
sees who is there and who owns which lease, and works out for itself what to give up and
what to ask for. Shares differ by one at the most. How large each is follows from who is
there alone, the longest-serving first, and what is held is kept as far as the share goes:
so no more moves than must when somebody comes or goes, and nothing moves to and fro while
others are still moving.

Two processes may see different moments and both ask for one lease: the script that grants
it decides. So a wrong plan costs a move, never a second owner.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

NOBODY = ""
"""Owns what is free."""


class Plan(NamedTuple):
    """What one process should do about one group of leases."""

    give: Sequence[str]
    take: Sequence[str]


def plan(
    me: str, members: Sequence[str], owners: Mapping[str, str], leaving: Collection[str] = ()
) -> Plan:
    """What ``me``, one of ``members``, should give up and ask for.

    ``members`` stand in the order in which they came, ``owners`` says who owns each lease, in
    an order that is the same everywhere. What somebody owns who is no member (dead or
    draining) becomes free by itself, and is waited for. ``leaving`` is what is ours and
    being given up.
    """
    base, extra = divmod(len(owners), len(members))
    shares = {member: base + (rank < extra) for rank, member in enumerate(members)}
    held: dict[str, list[str]] = {member: [] for member in members}
    free = []
    for lease, owner in owners.items():
        if owner == NOBODY:
            free.append(lease)
        elif owner in held:
            held[owner].append(lease)
    mine = sorted(held[me], key=lambda lease: lease in leaving)
    rooms = {member: max(0, shares[member] - len(held[member])) for member in members}
    return Plan(mine[shares[me] :], _mine_of(free, me, rooms))


def _mine_of(free: Sequence[str], me: str, rooms: Mapping[str, int]) -> Sequence[str]:
    """Which of the free leases are mine to ask for: who has the most room chooses first."""
    start = 0
    for member in sorted(rooms, key=lambda member: -rooms[member]):
        if member == me:
            break
        start += rooms[member]
    return free[start : start + rooms[me]]
