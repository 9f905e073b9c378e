"""Checkpoints that tell only how far was read: written now and then, not for each event.

To most readers of a log most events are nothing: a read model of products has no use for
orders. What is read of them again after a death has no effect either, so their checkpoint
need not be written each time. The first is, so that whoever waits is told at once; those that
follow within a moment are put off, and the last of them is written at its end.
"""

from collections.abc import Callable
from time import monotonic

from engine.core.records import Checkpoint

EACH_SECONDS = 0.02
"""Between two such checkpoints: what a reader with a receipt may wait longer, where the event
that it waits for is nothing to the read model that it asks."""


class Restraint:
    """What one reader of a log has put off; the clock counts seconds from anywhere."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._due = clock, 0.0
        self.put_off: Checkpoint | None = None
        """How far was read without its being written; None where all is."""

    def puts_off(self, reached: Checkpoint) -> bool:
        """Whether this one need not be written for now: what stands behind it was nothing."""
        if self._clock() >= self._due:
            return False
        self.put_off = reached
        return True

    def wrote(self) -> None:
        """A checkpoint was written, and with it all that was put off."""
        self.put_off = None
        self._due = self._clock() + EACH_SECONDS

    def forget(self) -> None:
        """What was put off is to be read again."""
        self.put_off = None

    def patience(self, idle: float) -> float:
        """How many seconds to wait for another event: ``idle`` where nothing is put off."""
        return idle if self.put_off is None else max(0.0, self._due - self._clock())
