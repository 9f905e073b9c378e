"""Timers: each is due and known, or has fired and its command was not handled yet."""

from collections.abc import Container, Iterator
from typing import NamedTuple

from engine.core.audit.findings import Finding
from engine.core.firing import Timer


class TimerNames(NamedTuple):
    """The keys of a partition's timers, for findings."""

    partition: int
    timers: str
    timer: str


class TimerRead(NamedTuple):
    """What two keys say of one timer, in one step.

    ``at`` is when it fires, None where it does not; ``timer`` is None where there is nothing,
    or where ``is_odd``: there is, and it cannot be read.
    """

    key: str
    at: float | None
    timer: Timer | None
    is_odd: bool


def judge_timer(names: TimerNames, read: TimerRead, unhandled: Container[str]) -> Iterator[Finding]:
    """What is wrong with a timer; ``unhandled`` are ids of commands without an outcome."""
    number, timers, kept = names
    if read.is_odd:
        said = "what cannot be read"
        yield Finding("timer_unreadable", number, kept, read.key, "a timer", said)
    elif read.timer is None:
        if read.at is not None:
            yield Finding("timer_missing", number, kept, read.key, "a timer: it is due", "none")
    elif read.at is None:
        if read.timer.id not in unhandled:
            said = f"its command {read.timer.id}, for it has fired and that was not handled"
            yield Finding("timer_lost", number, kept, read.key, said, "no such command")
    elif read.at != read.timer.at:
        due = f"{read.timer.at}, as the timer says"
        yield Finding("timer_due", number, timers, read.key, due, f"{read.at:.0f}")
