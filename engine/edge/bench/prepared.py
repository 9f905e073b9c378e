"""A namespace with a history: what the parts about the read side begin with.

An engine node writes it, from commands of clients: logs, heads, branches and outcomes are what
they are in life. It is stopped before anything is measured.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice

import anyio

from engine import app
from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.edge.bench import wire, workload
from engine.edge.bench.nodes import running
from engine.edge.bench.workload import EVENTS_PER_ORDER, Wish
from engine.settings import Settings

_PORTION = 20_000
"""Commands sent before their events are waited for: a bound of what stands in the streams."""

_PORTION_SECONDS = 60.0
"""A portion that takes longer is stuck, or some of it was not accepted."""

_LOOK_SECONDS = 0.02


def orders_for(events: int) -> range:
    """The orders whose history has so many events, or a few more."""
    return range(-(-events // EVENTS_PER_ORDER))


@asynccontextmanager
async def history_of(settings: Settings, port: int, orders: range) -> AsyncIterator[RedisSession]:
    """A session on a new namespace that holds the history of some orders."""
    partitions = settings.partitions or app.DEFAULT_PARTITIONS
    async with app.namespace_session(settings, create=partitions) as session:
        await write_history(settings, session, port, workload.history(orders))
        yield session


async def write_history(
    settings: Settings, session: RedisSession, port: int, wishes: Iterator[Wish]
) -> None:
    """Have commands handled by an engine node of their own, which has stopped afterwards."""
    async with running(settings, "run"):
        await write(session, port, wishes)


async def write(session: RedisSession, port: int, wishes: Iterator[Wish]) -> None:
    """Have commands handled, each of which has one event; raises `SemelError`."""
    keys = [session.commands_key(number) for number in range(session.partitions)]
    sent = 0
    written = before = await session.inspection.event_count(session.partitions)
    while portion := list(islice(wishes, _PORTION)):
        packets = workload.packets(keys, portion, time.time_ns() // 1_000_000)
        # One socket: an order's commands must arrive in their order.
        await anyio.to_thread.run_sync(partial(wire.send, port, packets, 1))
        sent += len(portion)
        with anyio.move_on_after(_PORTION_SECONDS):
            while written < before + sent:
                await anyio.sleep(_LOOK_SECONDS)
                written = await session.inspection.event_count(session.partitions)
        if written != before + sent:
            become = written - before
            raise SemelError(f"of {sent} commands of a history {become} have become events")
