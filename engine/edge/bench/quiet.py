"""Waiting until nothing moves any more."""

import time
from collections.abc import Sequence

import anyio

from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.edge import reactions

_LOOK_SECONDS = 0.1
"""How often is looked: the error of a time, a percent or less."""


STALL_SECONDS = 60.0
"""Who has got no further for so long never will."""


async def caught_up(session: RedisSession, names: Sequence[str]) -> None:
    """Wait until every generation of these projections has all that the logs hold."""
    seen, moved = -1, anyio.current_time()
    while True:
        heads = sum(await session.builds.heads())
        kept = [(name, g) for name in names for g in (await session.builds.read(name)).kept]
        reached = [sum(await session.builds.positions(*each)) for each in kept]
        if all(each == heads for each in reached):
            return
        if sum(reached) != seen:
            seen, moved = sum(reached), anyio.current_time()
        elif anyio.current_time() - moved > STALL_SECONDS:
            raise SemelError(f"the worker stands still at {reached} of {heads} events")
        await anyio.sleep(_LOOK_SECONDS)


async def settled(session: RedisSession, router: str) -> float:
    """Wait until all commands are handled, and a router has nothing left that asks for more.

    Answers when the last event was seen, by `time.perf_counter`; raises `SemelError` where
    nothing moves and something is left.
    """
    seen, moved = -1, time.perf_counter()
    while True:
        await anyio.sleep(_LOOK_SECONDS)
        events, now = await session.inspection.event_count(session.partitions), time.perf_counter()
        if events != seen:
            seen, moved = events, now
        elif await _is_quiet(session, router, events):
            return moved
        elif now - moved > STALL_SECONDS:
            raise SemelError(f"after {events} events nothing moves, and something is left to do")


async def _is_quiet(session: RedisSession, router: str, events: int) -> bool:
    """Whether all that came is done, and nothing came while that was looked at."""
    inspection, partitions = session.inspection, session.partitions
    commands = await inspection.command_count(partitions)
    for number in range(partitions):
        state = await inspection.partition(number)
        if state.waiting or state.deferred:
            return False
    if (await reactions.look_at(session, router, {}, closely=False)).behind:
        return False
    now = await inspection.command_count(partitions), await inspection.event_count(partitions)
    return now == (commands, events)
