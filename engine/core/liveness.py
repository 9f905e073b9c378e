"""How something fares, judged by what moved: never "running" where nothing moves.

state       work waits   it moved lately   what it means
unowned     any          -                 nobody has the lease
blocked     yes          no                somebody has it, and it stands still; or it was
                                           stopped, for a reason that an operator must mend
retrying    any          any               it says what keeps it, and tries again
behind      for long     yes               it moves, and does not keep up
running     yes          yes
idle        no           any

Of a projection, two more (`engine.core.standing`): ``paused``, because an operator wants it so,
and ``parked`` where it would be running or idle, but passes over aggregates: events are missing.
And it is ``behind`` already where an event has waited for a second and nothing has moved since.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.core.balance import NOBODY
from engine.core.records import Member, Report

STILL_SECONDS = 5.0
"""Work that waits for longer than this, while nothing moves, is stuck."""

_SILENT_SECONDS = 2.0
"""A process that gave no sign of life for so long is not counted on any more; nor, where
leases are longer, for as long as one lasts: signs of life come as they are renewed."""


class State(StrEnum):
    """How something fares; see the table above."""

    RUNNING = "running"
    IDLE = "idle"
    BEHIND = "behind"
    RETRYING = "retrying"
    BLOCKED = "blocked"
    UNOWNED = "unowned"
    PAUSED = "paused"
    PARKED = "parked"


class Condition(NamedTuple):
    """A state, and why, where that needs to be said."""

    state: State
    why: str = ""


def judge(
    owner: str, waiting: int, waits: float, report: Report | None, still: float | None = None
) -> Condition:
    """How a partition, or a projection of one, fares.

    ``waiting`` is how much work waits, ``waits`` for how long the oldest has, in seconds;
    ``report`` is what its owner says, or whoever was stopped at it; None if nobody speaks.
    ``still`` is for what rests longer than `STILL_SECONDS` by itself.
    """
    if report is not None and not report.held:
        return Condition(State.BLOCKED, report.trouble)
    if owner == NOBODY:
        return Condition(State.UNOWNED)
    if report is not None and report.trouble:
        return Condition(State.RETRYING, report.trouble)
    if not waiting:
        return Condition(State.IDLE)
    moved = report.moved if report is not None else None
    return _at_work(waits, moved, STILL_SECONDS if still is None else still)


def _at_work(waits: float, moved: float | None, limit: float) -> Condition:
    """How something fares that has work to do."""
    still = waits if moved is None else min(waits, moved)
    if still > limit:
        return Condition(State.BLOCKED, f"nothing moved for {still:.0f} s while work waits")
    if waits > STILL_SECONDS:
        return Condition(State.BEHIND, f"the oldest waits for {waits:.0f} s")
    return Condition(State.RUNNING)


def silent_after(lease_seconds: float) -> float:
    """After how many seconds without a sign of life a process is dead, frozen, or cut off."""
    return max(_SILENT_SECONDS, lease_seconds)


def heard(members: Iterable[Member], silent_seconds: float) -> dict[str, Report]:
    """What living processes say of what they serve, by lease, as old as it is by now.

    Who holds a lease is believed before who was stopped at it. What the dead said is not.
    """
    reports: dict[str, Report] = {}
    for member in members:
        if member.silent_ms / 1000 > silent_seconds:
            continue
        age = member.said_ms / 1000
        for key, report in _said(member).items():
            if key not in reports or report.held:
                reports[key] = msgspec.structs.replace(
                    report,
                    moved=None if report.moved is None else report.moved + age,
                    busy=None if report.busy is None else report.busy + age,
                )
    return reports


def _said(member: Member) -> dict[str, Report]:
    try:
        return msgspec.json.decode(member.about.get("reports") or "{}", type=dict[str, Report])
    except msgspec.DecodeError:
        return {}  # not a process of ours: it is listed, and not believed
