"""How fast a generation is built: at a share of the time, so that live traffic comes first."""

from collections.abc import AsyncIterator
from typing import TypeVar

import anyio

BATCH_EVENTS = 64
"""Events that a build applies in one step: some milliseconds of the server's one thread and of the
worker's loop, for which live traffic waits. Of 32 a build takes its time in round trips."""

_COST_FIRST = 0.005
_COST_LIMIT = 0.1
"""Seconds that a step takes: as long as nobody knows, and at the most: what takes longer waits
for something else than the work."""

LOOK_SECONDS = 0.1
"""Rests are cut short by a share that has become whole; they look for it so often."""

_WEIGHT = 0.2
"""Of the latest step in what a step is expected to take: it smooths, and follows within ten."""


Page = TypeVar("Page")


class Pace:
    """The steps of one generation in this process, one after the other, with rests between.

    ``share`` is the part of the time that they may take; 1 lets all run as they come.
    """

    def __init__(self) -> None:
        self.share = 1.0
        self._cost = _COST_FIRST
        self._free_at = 0.0

    def batch(self, events: int) -> int:
        """How many events one step applies, where ``events`` is the setting."""
        return events if self.share >= 1 else min(events, BATCH_EVENTS)

    async def turn(self, stopping: anyio.Event) -> None:
        """Wait for the turn of the next step, or for a stop."""
        if self.share >= 1:
            return
        now = anyio.current_time()
        begins = max(now, self._free_at)
        self._free_at = begins + self._cost / self.share
        while self.share < 1 and not stopping.is_set() and now < begins:
            with anyio.move_on_after(min(begins - now, LOOK_SECONDS)):
                await stopping.wait()
            now = anyio.current_time()

    def took(self, seconds: float) -> None:
        """Learn what a step takes; while Redis is busy it takes longer, and rests are too."""
        self._cost += (min(seconds, _COST_LIMIT) - self._cost) * _WEIGHT


async def paced(
    pages: AsyncIterator[Page], share: float, stopping: anyio.Event
) -> AsyncIterator[Page]:
    """Pages of some long work, with rests between: it takes a share of the time, until stopped."""
    began = anyio.current_time()
    async for page in pages:
        yield page
        took = min(anyio.current_time() - began, _COST_LIMIT)
        with anyio.move_on_after(took * (1 / share - 1)):
            await stopping.wait()
        if stopping.is_set():
            return
        began = anyio.current_time()
