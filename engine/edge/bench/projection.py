"""How fast one worker process applies a log to the rows of `orders` and their indexes."""

import time
from typing import NamedTuple

import anyio
import msgspec
from anyio.abc import Process

from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.edge.bench import prepared, usage, wire
from engine.edge.bench.nodes import running
from engine.settings import Settings

PROJECTION = "orders"
"""The shop's largest read model: six fields, two indexes."""

STALL_SECONDS = 60.0
"""A worker that has applied nothing for so long never will."""

_LOOK_SECONDS = 0.05
"""How often is looked at checkpoints and CPU times: the error of a rate, a percent or less."""


class Applied(msgspec.Struct, frozen=True):
    """How fast events were applied, and what one cost worker and server."""

    events: int
    per_second: float
    worker_us: float
    server_us: float
    worker_share: float
    server_share: float
    ratio_to_raw: float = 0.0


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
