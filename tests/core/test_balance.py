"""Who should own what: even shares, as few moves as there must be, and nobody who decides it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.balance import NOBODY, Plan, plan

STRANGER = "dead"
"""Owns things, and is no member."""

Owners = dict[str, str]

crowds = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[str], Owners]:
    """Members in the order in which they came, and leases that belong to anybody."""
    members = draw(crowds)
    owners = st.sampled_from([NOBODY, STRANGER, *members])
    return members, {f"lease-{n}": draw(owners) for n in range(draw(st.integers(0, 20)))}


class World:
    """Leases, who owns them, and how often each has found a new owner."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self.owners = dict(owners)
        self.moves: Counter[str] = Counter()

    def follow(self, me: str, wish: Plan) -> bool:
        """Have a member do as it planned: only what is free is granted. Whether it did any."""
        for lease in wish.give:
            assert self.owners[lease] == me
            self.owners[lease] = NOBODY
        taken = [lease for lease in wish.take if self.owners[lease] == NOBODY]
        self.owners |= dict.fromkeys(taken, me)
        self.moves.update(taken)
        return bool(wish.give or taken)

    def settle(self, members: Sequence[str]) -> int:
        """Have all members plan on what they see, at the same time, until nobody moves."""
        before = self.moves.total()
        moving = True
        while moving:
            seen = dict(self.owners)
            plans = {member: plan(member, members, seen) for member in members}
            moving = sum(self.follow(member, wish) for member, wish in plans.items()) > 0
        return self.moves.total() - before

    def bury(self, dead: str) -> None:
        """What somebody owned who is gone has run out."""
        self.owners = {k: NOBODY if v == dead else v for k, v in self.owners.items()}

    def held(self, members: Sequence[str]) -> list[int]:
        """How many leases each member owns."""
        counts = Counter(self.owners.values())
        return [counts[member] for member in members]


@given(worlds())
def test_what_is_free_is_asked_for_by_exactly_one(world: tuple[list[str], Owners]) -> None:
    members, owners = world
    asked = Counter(lease for member in members for lease in plan(member, members, owners).take)
    free = [lease for lease, owner in owners.items() if owner == NOBODY]
    assert asked == Counter(free)


@given(worlds())
def test_nobody_takes_what_is_not_free_nor_gives_what_is_not_its_own(
    world: tuple[list[str], Owners],
) -> None:
    members, owners = world
    for member in members:
        wish = plan(member, members, owners)
        assert {owners[lease] for lease in wish.take} <= {NOBODY}
        assert {owners[lease] for lease in wish.give} <= {member}
        assert not (wish.take and wish.give)


@given(worlds())
def test_it_ends_with_even_shares_and_nothing_moves_twice(world: tuple[list[str], Owners]) -> None:
    members, owners = world
    one = World(owners)
    one.settle(members)
    one.bury(STRANGER)
    one.settle(members)
    held = one.held(members)
    assert sum(held) == len(owners)
    assert max(held) - min(held) <= 1
    assert sorted(held, reverse=True) == held
    assert set(one.moves.values()) <= {1}


@given(worlds(), st.data())
def test_whoever_moves_first_it_ends_the_same(
    world: tuple[list[str], Owners], data: st.DataObject
) -> None:
    members, owners = world
    one = World(owners)
    for member in data.draw(st.lists(st.sampled_from(members), max_size=20)):
        one.follow(member, plan(member, members, one.owners))
    one.settle(members)
    one.bury(STRANGER)
    one.settle(members)
    held = one.held(members)
    assert max(held) - min(held) <= 1
    assert set(one.moves.values()) <= {1}


@given(worlds(), st.data())
def test_views_of_other_moments_cost_moves_and_never_a_share(
    world: tuple[list[str], Owners], data: st.DataObject
) -> None:
    """Of its own leases each is sure; of others' it sees any moment, and any crowd."""
    members, owners = world
    one = World(owners)
    moments = [one.owners]
    for member in data.draw(st.lists(st.sampled_from(members), max_size=20)):
        old = data.draw(st.sampled_from(moments))
        seen = {
            lease: member if owner == member else NOBODY if old[lease] == member else old[lease]
            for lease, owner in one.owners.items()
        }
        crowd = [m for m in members if m == member or data.draw(st.booleans())]
        one.follow(member, plan(member, crowd, seen))
        moments.append(dict(one.owners))
    one.bury(STRANGER)
    one.settle(members)
    held = one.held(members)
    assert sum(held) == len(owners)
    assert max(held) - min(held) <= 1


@given(worlds())
def test_what_is_being_given_up_goes_first(world: tuple[list[str], Owners]) -> None:
    """A plan that is made again before the first has come true changes no mind."""
    members, owners = world
    for member in members:
        first = plan(member, members, owners).give
        mine = [lease for lease, owner in owners.items() if owner == member]
        for leaving in (first, list(reversed(mine))[: len(first)]):
            again = plan(member, members, owners, leaving).give
            assert set(again) == set(leaving)


@pytest.mark.parametrize("leases", [1, 7, 16, 64])
def test_as_few_move_as_must_when_members_come_and_go(leases: int) -> None:
    """Exactly the newcomer's share moves to it, and exactly what is left behind moves on."""
    world = World({f"lease-{n}": NOBODY for n in range(leases)})
    assert world.settle(["a"]) == leases
    for members in (["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]):
        assert world.settle(members) == leases // len(members)
        assert sum(world.held(members)) == leases
    members = ["a", "b", "c", "d"]
    for gone in ("b", "a", "d"):
        left = Counter(world.owners.values())[gone]
        members.remove(gone)
        world.bury(gone)
        assert world.settle(members) == left


def test_what_moves_of_64_from_one_member_to_three_and_back() -> None:
    world = World({f"lease-{n}": NOBODY for n in range(64)})
    moved = [world.settle(crowd) for crowd in (["a"], ["a", "b"], ["a", "b", "c"])]
    world.bury("c")
    moved.append(world.settle(["a", "b"]))
    assert moved == [64, 32, 21, 21]
    assert world.held(["a", "b"]) == [32, 32]


def test_where_there_are_more_members_than_leases_the_first_have_one_each() -> None:
    owners = {"x": NOBODY, "y": NOBODY}
    assert [plan(m, ["a", "b", "c"], owners).take for m in "abc"] == [["x"], ["y"], []]
    assert plan("c", ["a", "b", "c"], {"x": "c", "y": NOBODY}) == Plan(["x"], [])
