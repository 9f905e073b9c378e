"""What a tenant gets done: told by what moved, not by what runs.

A process that is up says nothing about its work. So each tenant notes when it took
something up and when it last got something done; whoever asks sees the difference between
idle, at work and stuck.
"""

from collections.abc import Callable
from time import monotonic

from engine.core.records import Report

RATE_SECONDS = 5.0
"""A rate is that of the last five to ten seconds: batches smooth out, and who stops is seen."""


class Progress:
    """One tenant's notes; the clock counts seconds from anywhere.

    One that is ``counted`` says how much gets done in a second.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, *, counted: bool = False) -> None:
        self._clock = clock
        self._rate = _Rate(clock()) if counted else None
        self._moved_at: float | None = None
        self._busy_since: float | None = None
        self.trouble = ""
        """What keeps it from getting anything done, in a sentence; empty while nothing does."""

    def took(self) -> None:
        """There is something to do."""
        if self._busy_since is None:
            self._busy_since = self._clock()

    def moved(self, count: int = 0) -> None:
        """Something got done: so much, where that is counted."""
        self._moved_at = self._clock()
        if self._rate is not None:
            self._rate.count(count, self._moved_at)
        self.trouble = ""
        if self._busy_since is not None:
            self._busy_since = self._moved_at

    def rests(self) -> None:
        """There is nothing to do."""
        self._busy_since = None
        self.trouble = ""

    def report(self) -> Report:
        """How things stand, in ages: clocks differ between machines."""
        rate = None if self._rate is None else self._rate.per_second(self._clock())
        return Report(
            self._age(self._moved_at), self._age(self._busy_since), self.trouble, rate=rate
        )

    def _age(self, at: float | None) -> float | None:
        return None if at is None else round(self._clock() - at, 3)


class _Rate:
    """What is counted in a second, from two spans of time: the one under way, and that before."""

    def __init__(self, now: float) -> None:
        self._since, self._count = now, 0
        self._before = (0.0, 0)

    def count(self, count: int, now: float) -> None:
        self._count += count
        self._turn(now)

    def per_second(self, now: float) -> float:
        self._turn(now)
        seconds, count = self._before
        seconds += now - self._since
        return round((count + self._count) / seconds, 1) if seconds > 0 else 0.0

    def _turn(self, now: float) -> None:
        seconds = now - self._since
        if seconds >= RATE_SECONDS:
            self._before = (seconds, self._count)
            self._since, self._count = now, 0
