"""The curator: what one worker does for all generations of a projection, while it has the lease.

- A build that is behind the live generation nowhere takes its place, in one step.
- The rows of both are compared, and what differs is said: an alarm where the code is the same.
- The generation before is kept up for a while, so that a flip can be taken back; then it goes.
- What is over is removed, page by page, with rests between.

All that it does is written by comparison or changes nothing when done twice: a curator that was
frozen and wakes does no harm, one that dies is followed by another who goes on.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import anyio

from engine.core.comparing import Comparing, written
from engine.core.errors import single
from engine.core.generations import NONE, Generations
from engine.core.ports import Session
from engine.core.ports.building import Pair
from engine.runtime.progress import Progress
from engine.settings import Settings
from engine.telemetry import log

FLIP_SECONDS = 0.05
"""Between two attempts to flip: so long may a build that has caught up wait; its script takes a
tenth of a millisecond."""

FLIP_PARTITIONS = 64
"""Of more partitions than this it takes longer, and is tried less often."""

CALM_SECONDS = 1.0
"""Between two looks at what there is to tidy up."""

SHARE = 0.2
"""Of the time that comparing and removing may take."""

FENCE_SECONDS = 10.0
"""How long a generation that is removed is held against those who still think they serve it."""

UNSETTLED_LIMIT = 5000
"""Rows that are looked at again because they had moved on in one generation only."""

ROUNDS = 5
"""How often they are looked at again."""

_TOKEN_BYTES = 16

Item = TypeVar("Item")


class Curator:
    """The generations of one projection, while this process curates them."""

    kind = "curator"

    def __init__(self, projection: str, session: Session, settings: Settings) -> None:
        self._name, self._session, self._settings = projection, session, settings
        self._builds = session.builds
        self.progress = Progress()
        self._stopping = anyio.Event()
        self._unflipped = ""

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
            return FLIP_SECONDS
        now = await self._session.now_ms()
        tried = await self._builds.flip(self._name, found.flipped(now))
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

    def _say_unflipped(self, building: int, parked: int) -> None:
        said = f"{self._name}@{building} passes over {parked} aggregates"
        if said != self._unflipped:
            self._unflipped = said
            log.warning("projection.unflipped", projection=self._name, error=said)

    async def _tidy(self, found: Generations) -> float:
        """Remove what is over, compare what was flipped, let go of what was kept long enough."""
        if found.removing:
            await self._remove(found.removing[0])
            return 0
        if found.previous == NONE:
            return CALM_SECONDS
        if not found.compared:
            await self._compare(found)
            return 0
        kept_ms = await self._session.now_ms() - found.since_ms
        if kept_ms > self._settings.previous_keep_seconds * 1000 and found.building == NONE:
            await self._builds.revise(self._name, found.forgotten())
        return CALM_SECONDS

    async def _remove(self, generation: int) -> None:
        """Remove a generation, once nobody can write to it any more."""
        if not await self._fence(generation):
            return
        keys = 0
        async for removed in self._paced(self._builds.erase(self._name, generation)):
            keys += removed
            self.progress.moved()
        if self._stopping.is_set():
            return
        found = await self._builds.read(self._name)
        if await self._builds.revise(self._name, found.removed(generation)):
            log.info("projection.removed", projection=self._name, generation=generation, keys=keys)

    async def _fence(self, generation: int) -> bool:
        """Take all leases of a generation; False when stopped before they were ours.

        Who had one has given it back, or it has run out. Who asks for one later finds that the
        generation is none of those there are (`Build.is_kept`).
        """
        session = self._session
        leases = [
            session.projection_lease(self._name, generation, partition)
            for partition in range(session.partitions)
        ]
        while leases and not self._stopping.is_set():
            tokens = {key: secrets.token_hex(_TOKEN_BYTES) for key in leases}
            got = await session.leases.acquire_all(tokens, "curator", FENCE_SECONDS)
            leases = [key for key in leases if key not in got]
            if leases:
                await anyio.sleep(FLIP_SECONDS)
        return not leases

    async def _compare(self, found: Generations) -> None:
        """Compare live's rows with those of the one before, and say what came of it."""
        name, live, previous = self._name, found.live, found.previous
        comparing = Comparing(
            await self._builds.positions(name, live),
            await self._builds.positions(name, previous),
            same_code=found.digest == found.previous_digest,
        )
        unsettled: list[Pair] = []
        async for page in self._paced(self._builds.pairs(name, live, previous)):
            unsettled += [pair for pair in page if not comparing.take(pair)]
            self.progress.moved()
        for _ in range(ROUNDS):
            again = [pair.row for pair in unsettled[:UNSETTLED_LIMIT]]
            rest = unsettled[UNSETTLED_LIMIT:]
            pairs = await self._builds.paired(name, live, previous, again)
            unsettled = [pair for pair in pairs if not comparing.take(pair)] + rest
            if not unsettled or self._stopping.is_set():
                break
            await anyio.sleep(CALM_SECONDS / ROUNDS)
        comparing.result.unsettled = len(unsettled)
        if not self._stopping.is_set():
            await self._judge(found, comparing)

    async def _judge(self, found: Generations, comparing: Comparing) -> None:
        result = comparing.result
        if not await self._builds.revise(self._name, found.judged(written(result))):
            return
        tell = log.error if result.differ and result.same_code else log.info
        tell(
            "projection.compared", projection=self._name, live=found.live, previous=found.previous,
            same_code=result.same_code, rows=result.rows, differ=result.differ,
            unsettled=result.unsettled, first=[str(each.row) for each in result.examples[:3]],
        )  # fmt: skip

    async def _paced(self, pages: AsyncIterator[Item]) -> AsyncIterator[Item]:
        """Pages, with rests between, until stopped."""
        began = anyio.current_time()
        async for page in pages:
            yield page
            took = anyio.current_time() - began
            with anyio.move_on_after(took * (1 / SHARE - 1)):
                await self._stopping.wait()
            if self._stopping.is_set():
                return
            began = anyio.current_time()
