"""What a tenant gets done: told by what moved, not by what runs.

A process that is up says nothing about its work. So each tenant notes when it took
something up and when it last got something done; whoever asks sees the difference between
idle, at work and stuck.
"""

from collections.abc import Callable
from time import monotonic

from engine.core.records import Report


class Progress:
    """One tenant's notes; the clock counts seconds from anywhere."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._moved_at: float | None = None
        self._busy_since: float | None = None
        self.trouble = ""
        """What keeps it from getting anything done, in a sentence; empty while nothing does."""

    def took(self) -> None:
        """There is something to do."""
        if self._busy_since is None:
            self._busy_since = self._clock()

    def moved(self) -> None:
        """Something got done."""
        self._moved_at = self._clock()
        self.trouble = ""
        if self._busy_since is not None:
            self._busy_since = self._moved_at

    def rests(self) -> None:
        """There is nothing to do."""
        self._busy_since = None
        self.trouble = ""

    def report(self) -> Report:
        """How things stand, in ages: clocks differ between machines."""
        return Report(self._age(self._moved_at), self._age(self._busy_since), self.trouble)

    def _age(self, at: float | None) -> float | None:
        return None if at is None else round(self._clock() - at, 3)
