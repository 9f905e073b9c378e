"""How fast one worker process applies a log to the rows of `orders` and their indexes."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import anyio
from anyio.abc import Process

from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.edge.bench import prepared, usage, wire, wording
from engine.edge.bench.figures import Rated, extrapolated
from engine.edge.bench.nodes import running
from engine.edge.bench.quiet import STALL_SECONDS
from engine.settings import Settings

PROJECTION = "orders"
"""The shop's largest read model: six fields, two indexes."""

_LOOK_SECONDS = 0.05
"""How often is looked at checkpoints and CPU times: the error of a rate, a percent or less."""


class Applied(Rated, frozen=True, kw_only=True):
    """How fast events were applied, and what one cost worker and server."""

    events: int
    worker_us: float
    server_us: float
    worker_share: float
    server_share: float


class _Look(NamedTuple):
    at: float
    events: int
    worker: float
    server: float

    def until(self, end: "_Look") -> Applied:
        """What lies between two looks."""
        events, seconds = end.events - self.events, end.at - self.at
        worker, server = end.worker - self.worker, end.server - self.server
        return Applied(
            events=events, per_second=events / seconds,
            worker_us=worker / events * 1e6, server_us=server / events * 1e6,
            worker_share=worker / seconds, server_share=server / seconds,
        )  # fmt: skip


async def projection(settings: Settings, port: int, events: int) -> Applied:
    """Have one worker apply a history, from its first event to its last."""
    async with (
        prepared.history_of(settings, port, prepared.orders_for(events)) as session,
        running(settings, "project", PROJECTION) as worker,
    ):
        return await applied(session, 1, worker, port)


async def applied(session: RedisSession, generation: int, worker: Process, port: int) -> Applied:
    """Watch a generation until it has all events of the logs, which grow no more.

    The clock runs from the last look at which nothing was applied to the first at which all
    was: what a worker does to acquire its leases is mostly not in it. Raises `SemelError`.
    """
    total = await session.inspection.event_count(session.partitions)
    began = look = await _look(session, generation, worker, port)
    moved = look.at
    while look.events < total:
        await anyio.sleep(_LOOK_SECONDS)
        seen, look = look.events, await _look(session, generation, worker, port)
        if look.events == 0:
            began = look
        if look.events != seen:
            moved = look.at
        elif look.at - moved > STALL_SECONDS:
            raise SemelError(
                f"the worker has applied {look.events} of {total} events, and none for "
                f"{STALL_SECONDS:g} s"
            )
    return began.until(look)


async def _look(session: RedisSession, generation: int, worker: Process, port: int) -> _Look:
    at, used = time.perf_counter(), usage.cpu_seconds(worker.pid)
    events = sum(await session.builds.positions(PROJECTION, generation))
    return _Look(at, events, used, wire.server_cpu(port))


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    yield from wording.rate("projection", "events/s", "worker", said)
    numbers, rates = ", ".join(said["workers"]), said["workers"].values()
    reached = ", ".join(f"{rate:,.0f}" for rate in rates)
    yield f"            {numbers} workers with a core each would reach {reached} events/s:"
    yield "            as many times this rate, but at most 1 s / server's time each"


def with_more_workers(said: Mapping[str, Any]) -> dict[str, Any]:
    """What more workers would reach, by what one does."""
    return {"workers": extrapolated(said["per_second"], said["server_us"])}
