"""Timers at work: what an owner must know of them, and an alarm that rings when one is due.

The alarm sleeps until the next timer is due by Redis's clock, which each answer tells; a timer
that is set for sooner wakes it. Where no timer is set nothing is asked.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from math import inf

import anyio

from engine.core.errors import Refused, single
from engine.core.firing import FiredSome, TimerWrite
from engine.core.intake import Received
from engine.core.ports import Timers
from engine.core.registry import Domain
from engine.core.timebook import TimerBook, TimerLimits
from engine.runtime.patience import PAUSE_SECONDS
from engine.runtime.progress import Progress
from engine.settings import Settings
from engine.telemetry import log, timing

FIRE_LIMIT = 100
"""Timers that fire in one step: a millisecond or two of Redis's time."""

BREATH_SECONDS = 0.005
"""Between two steps: timers that are due at nearly the same time fire together."""

SLEEP_SECONDS = 10.0
"""The longest sleep while timers are set: clocks drift apart and are set, and metrics get old."""


class Timekeeper:
    """The timers of one partition, for one acquisition."""

    def __init__(
        self,
        partition: int,
        secret: bytes,
        domain: Domain,
        settings: Settings,
        progress: Progress,
    ) -> None:
        self._partition, self._progress = partition, progress
        limits = TimerLimits(
            timedelta(days=settings.timer_limit_days), settings.events_per_command,
            settings.event_bytes, settings.causation_depth,
        )  # fmt: skip
        self.book = TimerBook(secret, domain, limits)
        self._due = inf
        """When the next timer is due, in ms since 1970, as far as is known."""
        self._sleep: anyio.CancelScope | None = None

    async def look(self, received: Iterable[Received]) -> None:
        """Learn which timers still stand, of those that commands of a batch come from."""
        keys = list({one.fired.key for one in received if one.fired is not None})
        if keys:
            standing = zip(keys, await self._timers.fired(keys), strict=True)
            self.book.open({key: timer.number for key, timer in standing if timer is not None})

    def heed(self, writes: Sequence[TimerWrite]) -> None:
        """These were committed: one may be due sooner than any before."""
        due = min((write.timer.at for write in writes if write.timer), default=inf)
        if due < self._due:
            self._due = due
            if self._sleep is not None:
                self._sleep.cancel()

    @asynccontextmanager
    async def ringing(self, timers: Timers) -> AsyncIterator[None]:
        """Fire what is due meanwhile; an end of that ends what is inside, and comes out."""
        self._timers = timers
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._ring)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as errors:
            error = single(errors)
            raise error from error.__cause__
        finally:
            timing.hide(self._partition)

    async def _ring(self) -> None:
        while True:
            fired = await self._fire()
            if len(fired.late_ms) + len(fired.damaged) == FIRE_LIMIT:
                continue
            with anyio.CancelScope() as self._sleep:
                await self._timers.sleep(_pause(self._due - fired.now_ms))

    async def _fire(self) -> FiredSome:
        """Fire what is due, trying again while Redis does not take it."""
        began, attempts = anyio.current_time(), 0
        self._due = inf
        while True:
            try:
                fired = await self._timers.fire(FIRE_LIMIT)
            except Refused as error:
                self._held(error, anyio.current_time() - began, first=attempts == 0)
                await anyio.sleep(PAUSE_SECONDS[min(attempts, len(PAUSE_SECONDS) - 1)])
                attempts += 1
                continue
            if attempts:
                self._progress.trouble = ""
            if fired.damaged:
                log.error("timers.damaged", timers=fired.damaged)
            next_ms = inf if fired.next_ms is None else fired.next_ms
            self._due = min(self._due, next_ms)
            overdue = max(0, fired.now_ms - next_ms) / 1000
            timing.count(self._partition, fired.late_ms, fired.left, overdue)
            return fired

    def _held(self, error: Refused, seconds: float, *, first: bool) -> None:
        """Redis does not take what is due: say so, once, and for how long."""
        self._progress.trouble = f"timers that are due cannot fire: {error}"
        timing.OVERDUE.labels(self._partition).set(seconds)
        if first:
            log.error("timers.held", error=str(error))


def _pause(left_ms: float) -> float | None:
    """How many seconds to sleep with so much time left; None for ever."""
    return None if left_ms == inf else max(BREATH_SECONDS, min(left_ms / 1000, SLEEP_SECONDS))
