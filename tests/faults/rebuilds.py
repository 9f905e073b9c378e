"""What operators do to read models while all goes wrong: build anew, give up, flip back."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio

from engine.core.digest import code_digest
from engine.core.errors import SemelError
from engine.core.generations import NONE, Generations
from engine.core.ports import Builds
from engine.store.keys import Keys
from engine.store.session import open_session
from projections import projections
from tests.faults.cast import NAMESPACE, PARTITIONS, Cast
from tests.faults.strikes import Fault, Kind, Strike

DIGESTS = {projection.name: code_digest(projection) for projection in projections}
"""The code that everybody here has, by projection."""

_STEP_SECONDS, _AGAIN_SECONDS = 10, 0.2
"""How long a step is tried, and how often: a server that was killed is back in a second or two."""

Decide = Callable[[str, Generations], Generations | None]


@asynccontextmanager
async def builds(cast: Cast) -> AsyncIterator[Builds]:
    """What is said of generations, over a line that is never bad."""
    async with open_session(cast.server.url, NAMESPACE) as session:
        await session.enter(None)
        yield session.builds


def _operator(*steps: Decide) -> Strike:
    """One step after the other, as long as the fault lasts; it struck if one was taken."""

    async def strike(cast: Cast, fault: Fault) -> bool:
        name, taken = fault.one_of(sorted(DIGESTS)), False
        for step in steps:
            taken = await _take(cast, name, step) or taken
            await anyio.sleep(fault.lasts / len(steps))
        return taken

    return strike


async def _take(cast: Cast, name: str, step: Decide) -> bool:
    """Take a step, as soon as there is a server to take it on; False where it makes no sense."""
    with anyio.move_on_after(_STEP_SECONDS):
        while True:
            try:
                async with builds(cast) as said:
                    new = step(name, await said.read(name))
                    if new is None or await said.revise(name, new):
                        return new is not None
            except* (SemelError, OSError) as errors:  # it may die in the middle of it
                cast.tell(f"no step for {name} yet: {errors.exceptions}")
            await anyio.sleep(_AGAIN_SECONDS)
    return False


def _begin(name: str, found: Generations) -> Generations | None:
    if found.building != NONE:
        return None
    return found.begun(DIGESTS[name], _now_ms(), max_load=0.8)


def _cancel(_name: str, found: Generations) -> Generations | None:
    return None if found.building == NONE else found.cancelled()


def _roll_back(_name: str, found: Generations) -> Generations | None:
    return None if found.previous == NONE else found.rolled_back(_now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _pause(_name: str, found: Generations) -> Generations:
    return found.paused()


def _resume(_name: str, found: Generations) -> Generations:
    return found.resumed()


REBUILDS = {
    "rebuilt": Kind(_operator(_begin), 2.0, 5.0),
    "build cancelled": Kind(_operator(_begin, _cancel), 0.2, 2.0),
    "rolled back": Kind(_operator(_begin, _roll_back), 2.0, 5.0),
    "paused": Kind(_operator(_pause, _resume), 0.5, 1.5),
}
"""What happens to read models, one after the other."""


async def all_goes_on(cast: Cast) -> None:
    """Nothing stays paused, whatever broke in the middle of a step."""
    async with builds(cast) as said:
        for name in DIGESTS:
            while not await said.revise(name, (await said.read(name)).resumed()):
                continue


async def live_generations(redis: Any) -> list[str]:
    """The generations that queries read, as ``NAME@GEN``."""
    keys = Keys(NAMESPACE)
    return [f"{name}@{await redis.hget(keys.live(name), 'live') or 1}" for name in DIGESTS]


async def settled(redis: Any) -> bool:
    """Whether nothing is being built or removed any more."""
    keys = Keys(NAMESPACE)
    said = [await redis.hmget(keys.live(name), "building", "removing") for name in DIGESTS]
    return not any(any(fields) for fields in said)


async def strangers(redis: Any) -> list[str]:
    """Keys and consumer groups of generations that are none of those there are.

    One whose time is over after all has settled is being removed: whoever comes next goes on.
    """
    keys, found = Keys(NAMESPACE), list[str]()
    for name in DIGESTS:
        said = await redis.hmget(keys.live(name), "live", "previous", "removing")
        kept = [f"{name}@{number}" for number in said if number]
        async for key in redis.scan_iter(f"*{name}@*", count=1000):
            if not any(f"{each}:" in f"{key}:" for each in kept):
                found.append(f"{key} is of a generation that is over")
        for partition in range(PARTITIONS):
            groups = [group["name"] for group in await redis.xinfo_groups(keys.log(partition))]
            found += (
                f"partition {partition} has the group {group} of a generation that is over"
                for group in groups
                if group.startswith(f"{name}@") and group not in kept
            )
    return found
