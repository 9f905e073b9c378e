"""How fast one worker builds a new generation beside the live one, and what memory that takes."""

from collections.abc import Iterator, Mapping
from typing import Any

import anyio

from engine.app import RedisSession
from engine.core.digest import code_digest
from engine.core.errors import SemelError
from engine.core.generations import Generations
from engine.core.registry import Domain
from engine.edge.bench import prepared, usage, wire, wording
from engine.edge.bench.figures import Rated
from engine.edge.bench.nodes import running
from engine.edge.bench.parts.projection import PROJECTION, applied
from engine.edge.bench.quiet import STALL_SECONDS
from engine.settings import Settings

_ALL_THE_TIME = 1.0
"""``max_load`` of a build that nobody else needs to share a worker with."""

_LOOK_SECONDS = 0.02


class Rebuilt(Rated, frozen=True, kw_only=True):
    """How fast a generation was built, and what an event and a row of it cost.

    ``seconds`` are those from the wish to the flip. ``projection_per_second`` is what the same
    worker did of the same log when the live generation was made. Memory of the server is what
    the new generation added.
    """

    events: int
    rows: int
    seconds: float
    projection_per_second: float
    ratio_to_projection: float
    worker_us: float
    server_us: float
    worker_share: float
    server_share: float
    worker_peak_mib: float
    server_bytes_per_event: float
    server_bytes_per_row: float


async def rebuild(settings: Settings, domain: Domain, port: int, events: int) -> Rebuilt:
    """Have one worker make the live generation, then build another from the same log."""
    orders = prepared.orders_for(events)
    async with (
        prepared.history_of(settings, port, orders) as session,
        running(settings, "project", PROJECTION) as worker,
    ):
        live = await applied(session, 1, worker, port)
        memory = wire.server_memory(port)
        begun = await begin(session, domain, _ALL_THE_TIME)
        built = await applied(session, begun.building, worker, port)
        flipped = await until_flipped(session, begun)
        added = wire.server_memory(port) - memory
        return Rebuilt(
            events=built.events, rows=len(orders),
            seconds=(flipped.since_ms - begun.since_ms) / 1000,
            per_second=built.per_second, projection_per_second=live.per_second,
            ratio_to_projection=built.per_second / live.per_second,
            worker_us=built.worker_us, server_us=built.server_us,
            worker_share=built.worker_share, server_share=built.server_share,
            worker_peak_mib=usage.peak_bytes(worker.pid) / 2**20,
            server_bytes_per_event=added / built.events, server_bytes_per_row=added / len(orders),
        )  # fmt: skip


async def begin(
    session: RedisSession, domain: Domain, max_load: float | None = None
) -> Generations:
    """Begin a build with the code found here, at the load that is usual unless told."""
    found = await session.builds.read(PROJECTION)
    upcasters, now = domain.upcasters_of(PROJECTION), await session.now_ms()
    digest = code_digest(domain.projections[PROJECTION], upcasters)
    begun = found.begun(digest, now) if max_load is None else found.begun(digest, now, max_load)
    if not await session.builds.revise(PROJECTION, begun):
        raise SemelError(f"somebody else changes the generations of {PROJECTION}: nothing began")
    return begun


async def until_flipped(session: RedisSession, begun: Generations) -> Generations:
    """Wait until what was begun is live; raises `SemelError` when it stands still, or is gone."""
    built, moved = 0, anyio.current_time()
    while (found := await session.builds.read(PROJECTION)).live != begun.building:
        if found.building != begun.building:
            raise SemelError(f"the build of generation {begun.building} was cancelled")
        seen, built = built, sum(await session.builds.positions(PROJECTION, begun.building))
        if built != seen:
            moved = anyio.current_time()
        elif anyio.current_time() - moved > STALL_SECONDS:
            raise SemelError(f"generation {begun.building} has stood still at {built} events")
        await anyio.sleep(_LOOK_SECONDS)
    return found


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    yield from wording.rate("rebuild", "events/s", "worker", said)
    yield (
        f"            {said['ratio_to_projection']:.2f} x the projection's own rate; "
        f"{said['seconds']:.1f} s for {said['events']:,.0f} events and {said['rows']:,.0f} rows"
    )
    yield (
        f"            worker's peak {said['worker_peak_mib']:.0f} MiB; server "
        f"{said['server_bytes_per_row']:.0f} bytes a row, "
        f"{said['server_bytes_per_event']:.0f} an event"
    )
