"""What one engine process makes of commands that are waiting, whole protocol included."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import anyio

from engine import app
from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import wire, wording, workload
from engine.edge.bench.figures import Rated
from engine.edge.bench.workload import Wish
from engine.settings import Settings

_LOOK_SECONDS = 0.05
"""How often the outcomes are counted: the error of a drain's time, about a percent of it."""


_STALL_SECONDS = 60.0
"""A drain that stands still for so long: one of the commands was not accepted."""


class Drain(Rated, frozen=True, kw_only=True):
    """How fast commands were drained, and what one cost engine and server."""

    commands: int
    engine_us: float
    server_us: float
    engine_share: float
    server_share: float


async def drain(settings: Settings, domain: Domain, port: int, count: int) -> Drain:
    """Prepare commands over as many aggregates, then drain them: first read to last commit."""
    kept = settings.model_copy(update={"outcomes_keep_count": count + 1})
    async with app.namespace_session(kept, create=app.DEFAULT_PARTITIONS) as session:
        return await drained(kept, domain, port, session, workload.created(range(count)), count)


async def drained(  # noqa: PLR0913 -- a measurement's circumstances
    settings: Settings,
    domain: Domain,
    port: int,
    session: RedisSession,
    wishes: Iterator[Wish],
    count: int,
) -> Drain:
    """Add so many commands, each of which has one event, then drain them.

    The clock starts before the engine opens its session; what counts as done is what Redis
    holds in logs, which a commit writes with the outcomes. Raises `SemelError` where a
    command has no event.
    """
    keys = [session.commands_key(number) for number in range(session.partitions)]
    prepared = list(workload.packets(keys, wishes, time.time_ns() // 1_000_000))
    wire.send(port, prepared, workload.SOCKETS)
    inspection, partitions = session.inspection, session.partitions
    before = await inspection.event_count(partitions)
    used, cpu, began = wire.server_cpu(port), time.process_time(), time.perf_counter()
    async with app.serving([app.engine_role(settings, domain)], settings.drain_seconds):
        done, moved = 0, began
        while done < count:
            await anyio.sleep(_LOOK_SECONDS)
            seen, done = done, await inspection.event_count(partitions) - before
            now = time.perf_counter()
            moved = now if done != seen else moved
            if now - moved > _STALL_SECONDS:
                raise SemelError(f"of {count} commands {done} have become events")
        seconds = time.perf_counter() - began
        cpu, used = time.process_time() - cpu, wire.server_cpu(port) - used
    return Drain(
        commands=count,
        per_second=count / seconds,
        engine_us=cpu / count * 1e6,
        server_us=used / count * 1e6,
        engine_share=cpu / seconds,
        server_share=used / seconds,
    )


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    return wording.rate("engine", "commands/s", "engine", said)
