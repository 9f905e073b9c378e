"""Timers at work: what an owner must know of them, and an alarm that rings when one is due.

The alarm sleeps until the next timer is due by Redis's clock, which each answer tells. Nothing
is asked while none is; a timer that is set for sooner wakes it. Clocks drift apart, so a long
sleep is taken in parts, each most of what is left.
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
from engine.telemetry import log, metrics

FIRE_LIMIT = 100
"""Timers that fire in one step: a millisecond or two of Redis's time."""

BREATH_SECONDS = 0.005
"""Between two steps: timers that are due at nearly the same time fire together."""

WHOLE_SLEEP_SECONDS = 2.0
"""A sleep so short is taken whole: no clock drifts so far meanwhile that anybody would see it."""

SLEEP_SHARE = 0.98
"""Of a longer one this much is taken before the clock is asked again."""

SLEEP_SECONDS = 3600.0
"""Asleep for longer, an alarm would not hear of a clock that was set."""


class Timekeeper:
    """The timers of one partition, for one acquisition."""

    def __init__(
        self, secret: bytes, domain: Domain, settings: Settings, progress: Progress
    ) -> None:
        self._progress = progress
        limits = TimerLimits(
            timedelta(days=settings.timer_limit_days), settings.events_per_command,
            settings.event_bytes,
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

    async def _ring(self) -> None:
        while True:
            self._due = inf
            fired = await self._fire()
            if len(fired.late_ms) + len(fired.damaged) == FIRE_LIMIT:
                continue
            self._due = min(self._due, inf if fired.next_ms is None else fired.next_ms)
            with anyio.CancelScope() as self._sleep:
                await self._timers.sleep(_pause(self._due - fired.now_ms))

    async def _fire(self) -> FiredSome:
        """Fire what is due, trying again while Redis does not take it."""
        attempts = 0
        while True:
            try:
                fired = await self._timers.fire(FIRE_LIMIT)
            except Refused as error:
                self._progress.trouble = f"timers that are due cannot fire: {error}"
                if attempts == 0:
                    log.error("timers.held", error=str(error))
                await anyio.sleep(PAUSE_SECONDS[min(attempts, len(PAUSE_SECONDS) - 1)])
                attempts += 1
                continue
            if attempts:
                self._progress.trouble = ""
            if fired.damaged:
                log.error("timers.damaged", timers=fired.damaged)
            metrics.count_timers(fired.late_ms)
            return fired


def _pause(left_ms: float) -> float | None:
    """How many seconds to sleep with so much time left; None for ever."""
    if left_ms == inf:
        return None
    seconds = left_ms / 1000
    if seconds > WHOLE_SLEEP_SECONDS:
        seconds = min(seconds * SLEEP_SHARE, SLEEP_SECONDS)
    return max(seconds, BREATH_SECONDS)
