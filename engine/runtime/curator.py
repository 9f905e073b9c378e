"""The curator: what one worker does for all generations of a projection, while it has the lease.

- A build that is behind the live generation nowhere takes its place, in one step.
- The rows of both are compared, and what differs is said: an alarm where the code is the same.
- The generation before is kept up for a while, so that a flip can be taken back; then it goes.
- What is over is removed, page by page, with rests between.

All that it does is written by comparison or changes nothing when done twice: a curator that was
frozen and wakes does no harm, one that dies is followed by another who goes on.
"""

import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import anyio

from engine.core.errors import single
from engine.core.generations import LEVEL_SECONDS, NONE, Generations
from engine.core.ports import Session
from engine.runtime.comparison import compare
from engine.runtime.progress import Progress
from engine.runtime.removal import remove
from engine.settings import Settings
from engine.telemetry import log

FLIP_SECONDS = 0.05
"""Between two attempts to flip: so long may a build that has caught up wait; its script takes a
tenth of a millisecond."""

FLIP_PARTITIONS = 64
"""Of more partitions than this it takes longer, and is tried less often."""

IDLE_SECONDS = 0.25
"""Between two looks whether anything is being built."""

CALM_SECONDS = 1.0
"""Between two looks at what there is to tidy up."""


class Curator:
    """The generations of one projection, while this process curates them."""

    kind = "curator"

    def __init__(self, projection: str, session: Session, settings: Settings) -> None:
        self._name, self._session, self._settings = projection, session, settings
        self._builds = session.builds
        self.progress = Progress()
        self._stopping = anyio.Event()
        self._unflipped = ""
        self._marks: Sequence[int] = ()
        self._marked_at = -math.inf

    def stop(self) -> None:
        """Finish the step in hand."""
        self._stopping.set()

    async def serve(self, token: str) -> None:
        """Curate until stopped; the lease only keeps others from doing the same."""
        del token
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._again, self._flip)
                tasks.start_soon(self._again, self._tidy)
        except BaseExceptionGroup as errors:
            error = single(errors)
            raise error from error.__cause__

    async def _again(self, duty: Callable[[Generations], Coroutine[Any, Any, float]]) -> None:
        """Do a duty until stopped, each time as long after the last as that says."""
        while not self._stopping.is_set():
            seconds = await duty(await self._builds.read(self._name))
            with anyio.move_on_after(seconds):
                await self._stopping.wait()

    async def _flip(self, found: Generations) -> float:
        """Have queries read what was built, once that is behind nowhere."""
        if found.building == NONE or found.is_paused:
            return IDLE_SECONDS
        now = await self._session.now_ms()
        tried = await self._builds.flip(self._name, found.flipped(now), await self._enough(found))
        if tried.done:
            seconds = (now - found.since_ms) / 1000
            log.info(
                "projection.flipped", projection=self._name, live=found.building,
                previous=found.live, parked=tried.parked, seconds=round(seconds, 1),
            )  # fmt: skip
            await self._session.roster.announce("curator", "flipped", self._name)
        elif tried.parked and not tried.behind:
            self._say_unflipped(found.building, tried.parked)
        return FLIP_SECONDS * max(1, self._session.partitions / FLIP_PARTITIONS)

    async def _enough(self, found: Generations) -> Sequence[int]:
        """Where the live generation stood a moment ago: under steady load that must do.

        First both must be level, for a while; then the build must have come to where the live
        one stood before that.
        """
        now = anyio.current_time()
        if now - self._marked_at > 2 * LEVEL_SECONDS:
            self._marks = await self._builds.positions(self._name, found.live)
            self._marked_at = now
        return self._marks if now - self._marked_at > LEVEL_SECONDS else ()

    def _say_unflipped(self, building: int, parked: int) -> None:
        said = f"{self._name}@{building} passes over {parked} aggregates"
        if said != self._unflipped:
            self._unflipped = said
            log.warning("projection.unflipped", projection=self._name, error=said)

    async def _tidy(self, found: Generations) -> float:
        """Remove what is over, compare what was flipped, let go of what was kept long enough."""
        if found.removing:
            await remove(self._session, self._name, found.removing[0], self._stopping)
            return 0
        if found.previous == NONE:
            return CALM_SECONDS
        if not found.compared:
            await compare(self._builds, self._name, found, self._stopping)
            return 0
        kept_ms = await self._session.now_ms() - found.since_ms
        if kept_ms > self._settings.previous_keep_seconds * 1000 and found.building == NONE:
            await self._builds.revise(self._name, found.forgotten())
        return CALM_SECONDS
