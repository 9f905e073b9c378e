"""What things take: a remembered id, a stream, an event, a command, an actor that is warm.

Orders are drained, each with an id of its own; then the windows of all partitions are loaded
as a new owner loads them, while Python's allocations are counted. Speed is not looked at.
"""

import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine import app
from engine.core.registry import Domain
from engine.core.window import Window
from engine.edge.bench import wire
from engine.edge.bench.parts.drain import drain
from engine.edge.bench.parts.footprint import Footprint, footprint, lines
from engine.settings import Settings

_PAGE = 2000
"""Outcomes loaded at a time, as an owner does."""


class Memory(msgspec.Struct, frozen=True):
    """Bytes of one remembered id, accepted, in both places.

    ``bound`` is how many are remembered at the most in ``partitions``, but for those of the
    last minute, and the ``mib`` are what they take together.
    """

    ids: int
    process_bytes: float
    server_bytes: float
    partitions: int
    bound: int
    process_mib: float
    server_mib: float
    footprint: Footprint


async def memory(settings: Settings, domain: Domain, port: int, ids: int) -> Memory:
    """Have so many ids remembered, and count what they take."""
    await drain(settings, domain, port, ids)
    partitions = app.DEFAULT_PARTITIONS
    async with app.namespace_session(settings) as session:
        keys = [session.outcomes_key(number) for number in range(session.partitions)]
        server = sum(wire.key_bytes(port, key) for key in keys)
        tracemalloc.start()
        try:
            windows = [await _loaded(session, number, ids) for number in range(session.partitions)]
            process, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    measured = await footprint(settings, port, ids)
    remembered = sum(len(window) for window in windows)
    bound = settings.outcomes_keep_count * partitions
    each, stored = process / remembered, server / remembered
    return Memory(
        remembered, each, stored, partitions, bound, each * bound / 2**20, stored * bound / 2**20,
        measured,
    )  # fmt: skip


async def _loaded(session: app.RedisSession, partition: int, ids: int) -> Window:
    """A partition's window, whole, read newest first."""
    ledger = session.ledger(partition, "")
    window = Window("0-0", ids + 1, float("inf"), 0)
    while not window.complete:
        page = await ledger.outcomes(window.lowest, _PAGE)
        window.load(page, last=len(page) < _PAGE)
    return window


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    yield (
        f"memory      {said['process_bytes']:.0f} bytes in the process and "
        f"{said['server_bytes']:.0f} in Redis for a remembered id, of {said['ids']:,}"
    )
    yield (
        f"            {said['bound']:,} at the most in {said['partitions']} partitions: "
        f"{said['process_mib']:.0f} MiB over all processes, {said['server_mib']:.0f} MiB in Redis"
    )
    yield from lines(said["footprint"])
