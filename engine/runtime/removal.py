"""Removing a generation that is over: nobody may write to it any more, then page by page."""

import secrets

import anyio

from engine.core.ports import Session
from engine.runtime.pace import paced
from engine.telemetry import log

SHARE = 0.2
"""Of the time that removing may take: nobody waits for it."""

FENCE_SECONDS = 10.0
"""How long the leases are held against those who still think that they serve it."""

POLL_SECONDS = 0.05
"""Until a lease is asked for again that somebody has not given back yet."""

_TOKEN_BYTES = 16


async def remove(session: Session, projection: str, generation: int, stopping: anyio.Event) -> None:
    """Remove a generation, and note that it is gone; after a stop the next one goes on."""
    if not await _fence(session, projection, generation, stopping):
        return
    keys, builds = 0, session.builds
    async for removed in paced(builds.erase(projection, generation), SHARE, stopping):
        keys += removed
    if stopping.is_set():
        return
    found = await builds.read(projection)
    if await builds.revise(projection, found.removed(generation)):
        log.info("projection.removed", projection=projection, generation=generation, keys=keys)


async def _fence(session: Session, projection: str, generation: int, stopping: anyio.Event) -> bool:
    """Take all leases of a generation; False when stopped before they were ours.

    Who had one has given it back, or it has run out. Who asks for one later finds that the
    generation is none of those there are (`Build.is_kept`).
    """
    leases = [
        session.projection_lease(projection, generation, partition)
        for partition in range(session.partitions)
    ]
    while leases and not stopping.is_set():
        tokens = {key: secrets.token_hex(_TOKEN_BYTES) for key in leases}
        got = await session.leases.acquire_all(tokens, "curator", FENCE_SECONDS)
        leases = [key for key in leases if key not in got]
        if leases:
            await anyio.sleep(POLL_SECONDS)
    return not leases
