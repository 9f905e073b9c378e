"""What a reader of a log says and does while it stands still at an event."""

import anyio

from engine.core.errors import SemelError
from engine.core.records import LoggedEvent
from engine.runtime.progress import Progress
from engine.telemetry import log, metrics

PAUSE_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Before an event that could not be projected is tried again; the last one repeats."""


class Standstill:
    """One reader's stops in one partition: each is said, counted, and waited through."""

    def __init__(
        self, name: str, partition: int, progress: Progress, stopping: anyio.Event
    ) -> None:
        self._name, self._partition = name, partition
        self._progress, self._stopping = progress, stopping
        self._stands_still = False
        self._add(0)  # so that it is shown before anything stands still

    async def wait(self, attempts: int, event: LoggedEvent, error: Exception, hint: str) -> None:
        """Say what stands still and why, and wait before the next attempt, or for a stop."""
        said = f"{type(error).__name__}: {error}{hint}"
        self._progress.trouble = f"position {event.position}: {said}"
        self._mark(stands_still=True)
        self._tell(
            partition=self._partition, position=event.position, type=event.type,
            aggregate=event.aggregate, error=said, attempts=attempts,
            exc_info=None if isinstance(error, SemelError) else error,
        )  # fmt: skip
        with anyio.move_on_after(PAUSE_SECONDS[min(attempts, len(PAUSE_SECONDS)) - 1]):
            await self._stopping.wait()

    def over(self) -> None:
        """It moves, or has ended."""
        self._mark(stands_still=False)

    def _mark(self, *, stands_still: bool) -> None:
        if stands_still != self._stands_still:
            self._add(1 if stands_still else -1)
            self._stands_still = stands_still

    def _tell(self, **about: object) -> None:
        log.error("projection.blocked", projection=self._name, **about)

    def _add(self, stops: int) -> None:
        metrics.PROJECTION_BLOCKED.labels(self._name).inc(stops)


class ReactionStandstill(Standstill):
    """The same of a reaction."""

    def _tell(self, **about: object) -> None:
        log.error("reaction.blocked", reaction=self._name, **about)

    def _add(self, stops: int) -> None:
        metrics.REACTION_BLOCKED.labels(self._name).inc(stops)
