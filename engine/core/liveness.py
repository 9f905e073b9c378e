"""How something fares, judged by what moved: never "running" where nothing moves.

state       work waits   it moved lately   what it means
unowned     any          -                 nobody has the lease
blocked     yes          no                somebody has it, and it stands still; or it was
                                           stopped, for a reason that an operator must mend
retrying    any          any               it says what keeps it, and tries again
behind      for long     yes               it moves, and does not keep up
running     yes          yes
idle        no           any
"""

from enum import StrEnum
from typing import NamedTuple

from engine.core.balance import NOBODY
from engine.core.records import Report

STILL_SECONDS = 5.0
"""Work that waits for longer than this, while nothing moves, is stuck."""


class State(StrEnum):
    """How something fares; see the table above."""

    RUNNING = "running"
    IDLE = "idle"
    BEHIND = "behind"
    RETRYING = "retrying"
    BLOCKED = "blocked"
    UNOWNED = "unowned"


class Condition(NamedTuple):
    """A state, and why, where that needs to be said."""

    state: State
    why: str = ""


def judge(owner: str, waiting: int, waits: float, report: Report | None) -> Condition:
    """How a partition, or a projection of one, fares.

    ``waiting`` is how much work waits, ``waits`` for how long the oldest has, in seconds;
    ``report`` is what its owner says, or whoever was stopped at it; None if nobody speaks.
    """
    if report is not None and not report.held:
        return Condition(State.BLOCKED, report.trouble)
    if owner == NOBODY:
        return Condition(State.UNOWNED)
    if report is not None and report.trouble:
        return Condition(State.RETRYING, report.trouble)
    if not waiting:
        return Condition(State.IDLE)
    return _at_work(waits, report.moved if report is not None else None)


def _at_work(waits: float, moved: float | None) -> Condition:
    """How something fares that has work to do."""
    still = waits if moved is None else min(waits, moved)
    if still > STILL_SECONDS:
        return Condition(State.BLOCKED, f"nothing moved for {still:.0f} s while work waits")
    if waits > STILL_SECONDS:
        return Condition(State.BEHIND, f"the oldest waits for {waits:.0f} s")
    return Condition(State.RUNNING)
