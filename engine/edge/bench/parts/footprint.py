"""What a system takes: Redis for streams and their entries, an engine process for warm actors.

Customers with five events of 65 bytes each, with the metadata that every event has, are made by
commands; then Redis is asked for the size of every key (`MEMORY USAGE`, all of it counted). The
engine process that made as many orders as there are ids to remember is weighed before and after.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine import app
from engine.core.routing import partition_of
from engine.edge.bench import usage, wire, workload
from engine.edge.bench.nodes import running
from engine.edge.bench.prepared import write
from engine.edge.bench.workload import Wish
from engine.settings import Settings

EVENTS, EVENT_BYTES = 5, 65
"""The stream that the budget is about."""

_FEWER = 50
"""Streams are alike: one for so many ids is enough."""

_NAME = b'{"name":"%s"}'


class Footprint(msgspec.Struct, frozen=True):
    """Bytes: of one such aggregate's stream, and of one entry of each stream that all share.

    ``engine_mib`` is an engine process with so many warm ``actors``, ``actor_bytes`` what one
    adds to it, its remembered id included.
    """

    streams: int
    stream_bytes: float
    log_bytes: float
    command_bytes: float
    outcome_bytes: float
    actors: int
    engine_mib: float
    actor_bytes: float


async def footprint(settings: Settings, port: int, ids: int) -> Footprint:
    """Have them made in a namespace of its own, and weigh it."""
    here = settings.model_copy(update={"namespace": f"{settings.namespace}-footprint"})
    customers = [f"customer-{number}" for number in range(max(20, ids // _FEWER))]
    async with app.namespace_session(here, create=app.DEFAULT_PARTITIONS) as session:
        partitions = range(session.partitions)
        async with running(here, "run") as engine:
            await write(session, port, _five_times(customers))
            keys = [_events_key(session, customer) for customer in customers]
            stream = sum(wire.key_bytes(port, key) for key in keys) / len(keys)
            log, command, outcome = (
                _each(port, [key(number) for number in partitions])
                for key in (session.log_key, session.commands_key, session.outcomes_key)
            )
            empty = usage.resident_bytes(engine.pid)
            await write(session, port, workload.created(range(ids)))
            full = usage.resident_bytes(engine.pid)
    actors = ids + len(customers)
    return Footprint(
        len(keys), stream, log, command, outcome, actors, full / 2**20, (full - empty) / ids
    )


def _events_key(session: app.RedisSession, aggregate: str) -> str:
    """An aggregate's own stream stands beside its partition's log."""
    log = session.log_key(partition_of(aggregate, session.partitions))
    return f"{log.removesuffix('log')}events:{aggregate}"


def _five_times(customers: list[str]) -> Iterator[Wish]:
    """Commands of which each has one event of as many bytes as are wanted."""
    for number in range(EVENTS):
        verb = "RenameCustomer" if number else "RegisterCustomer"
        name = b"%d" % number
        name += b"n" * (EVENT_BYTES - len(_NAME % name))
        for customer in customers:
            yield Wish(verb, customer, _NAME % name)


def _each(port: int, keys: list[str]) -> float:
    """Bytes of one entry of some streams."""
    entries = sum(int(wire.ask(port, b"XLEN", key.encode())) for key in keys)
    return sum(wire.key_bytes(port, key) for key in keys) / max(1, entries)


def lines(said: Mapping[str, Any]) -> Iterator[str]:
    """What is said of it."""
    yield (
        f"            {said['stream_bytes']:,.0f} bytes for a stream of {EVENTS} events of "
        f"{EVENT_BYTES} bytes with metadata, of {said['streams']:,}"
    )
    yield (
        f"            an event in the log {said['log_bytes']:,.0f}, a command "
        f"{said['command_bytes']:,.0f}, an outcome {said['outcome_bytes']:,.0f} bytes"
    )
    yield (
        f"            an engine with {said['actors']:,} warm actors {said['engine_mib']:.0f} MiB: "
        f"{said['actor_bytes']:,.0f} bytes each, with what is remembered of its command"
    )
