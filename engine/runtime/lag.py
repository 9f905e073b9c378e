"""How far a reader of a log is behind, in metrics: told by whoever has the lease, while it has it.

A task of its own looks now and then, so that the lag of one that stands still grows
before everybody's eyes. An idle one asks for head anyway: what it hears is shown, and the task
has nothing to do. Nothing here is on the way of an event.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio

from engine.core.codec import came_ms
from engine.core.errors import Refused, Torn, single
from engine.core.ports import Log, LogReader
from engine.runtime.build import Build
from engine.telemetry import metrics

LOOK_SECONDS = 2.0
"""The longest time between two looks: often enough for every scraper, and a call or three."""

Series = tuple[str | int, ...]
"""The labels of one reader's metrics."""

_owners: "dict[Series, LogLag]" = {}
"""Whose each series is: at a flip one generation takes over another's, in either order."""


class LogLag(ABC):
    """One reader's lag in one partition; ``reached`` tells its checkpoint."""

    def __init__(self, log: LogReader, reached: Callable[[], int]) -> None:
        self._log, self._reached = log, reached
        self._series: Series | None = None
        self._looked_at, self._stood_at, self._still_since = 0.0, -1, 0.0

    async def head(self) -> int:
        """How far the log reaches; who asks, has the lag shown."""
        self._looked_at = anyio.current_time()
        head, reached = await self._log.head_position(), self._reached()
        behind = max(0, head - reached)
        self._show(behind, await self._waits(reached) if behind else 0.0)
        return head

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show it until the end of the block; what the block raises is raised as it is."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._look_on)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as errors:
            error = single(errors)
            raise error from error.__cause__
        finally:
            self._hide()

    async def _look_on(self) -> None:
        while True:
            with suppress(Refused):
                await self.head()
            await anyio.sleep_until(self._looked_at + LOOK_SECONDS)

    async def _waits(self, reached: int) -> float:
        """The age of the first event that waits; where that cannot be told, since when it does."""
        now = anyio.current_time()
        if reached != self._stood_at:
            self._stood_at, self._still_since = reached, now
        event = None
        with suppress(Torn):
            event = await self._log.event_at(reached + 1)
        if event is None or not (came := came_ms(event.meta)):
            return now - self._still_since
        return max(0.0, (await self._log.now_ms() - came) / 1000)

    def _show(self, behind: int, seconds: float) -> None:
        series = self._labels()
        if self._series != series:
            self._hide()
        self._series = series
        _owners[series] = self
        self._set(series, behind, seconds)

    def _hide(self) -> None:
        if self._series is not None and _owners.get(self._series) is self:
            del _owners[self._series]
            self._remove(self._series)
        self._series = None

    @abstractmethod
    def _labels(self) -> Series:
        """The labels as they are by now."""

    @abstractmethod
    def _set(self, series: Series, behind: int, seconds: float) -> None:
        """Show events and seconds."""

    @abstractmethod
    def _remove(self, series: Series) -> None:
        """Show them no more."""


class Lag(LogLag):
    """One generation's lag in one partition."""

    def __init__(self, build: Build, partition: int, log: Log, reached: Callable[[], int]) -> None:
        super().__init__(log, reached)
        self._build, self._partition = build, partition

    def _labels(self) -> Series:
        return self._build.projection.name, self._build.stage, self._partition

    def _set(self, series: Series, behind: int, seconds: float) -> None:
        metrics.PROJECTION_LAG.labels(*series).set(behind)
        metrics.PROJECTION_LAG_SECONDS.labels(*series).set(seconds)

    def _remove(self, series: Series) -> None:
        metrics.PROJECTION_LAG.remove(*series)
        metrics.PROJECTION_LAG_SECONDS.remove(*series)


class ReactionLag(LogLag):
    """One reaction's lag in one partition."""

    def __init__(
        self, name: str, partition: int, log: LogReader, reached: Callable[[], int]
    ) -> None:
        super().__init__(log, reached)
        self._name, self._partition = name, partition

    def _labels(self) -> Series:
        return self._name, self._partition

    def _set(self, series: Series, behind: int, seconds: float) -> None:
        metrics.REACTION_LAG.labels(*series).set(behind)
        metrics.REACTION_LAG_SECONDS.labels(*series).set(seconds)

    def _remove(self, series: Series) -> None:
        metrics.REACTION_LAG.remove(*series)
        metrics.REACTION_LAG_SECONDS.remove(*series)
