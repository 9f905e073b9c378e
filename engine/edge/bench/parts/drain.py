"""What one engine process makes of commands that are waiting, whole protocol included."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import anyio

from engine import app
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import wire, wording, workload
from engine.edge.bench.figures import Rated
from engine.settings import Settings

_LOOK_SECONDS = 0.05
"""How often the outcomes are counted: the error of a drain's time, about a percent of it."""


class Drain(Rated, frozen=True, kw_only=True):
    """How fast commands were drained, and what one cost engine and server."""

    commands: int
    engine_us: float
    server_us: float
    engine_share: float
    server_share: float


async def drain(settings: Settings, domain: Domain, port: int, count: int) -> Drain:
    """Prepare commands over as many aggregates, then drain them: first read to last commit.

    The clock starts before the engine opens its session; what counts as done is what
    Redis holds in ``outcomes``. Raises `SemelError` when an outcome is not ``accepted``.
    """
    kept = settings.model_copy(update={"outcomes_keep_count": count + 1, "log_level": "error"})
    async with app.namespace_session(kept, create=settings.partitions) as session:
        keys = [session.commands_key(number) for number in range(session.partitions)]
        created = workload.created(range(count))
        prepared = list(workload.packets(keys, created, time.time_ns() // 1_000_000))
        wire.send(port, prepared, workload.SOCKETS)
        inspection = session.inspection
        used, cpu, began = wire.server_cpu(port), time.process_time(), time.perf_counter()
        async with app.serving([app.engine_role(kept, domain)], settings.drain_seconds):
            done = 0
            while done < count:
                await anyio.sleep(_LOOK_SECONDS)
                done = await inspection.outcome_count(session.partitions)
            seconds = time.perf_counter() - began
            cpu, used = time.process_time() - cpu, wire.server_cpu(port) - used
        events = await inspection.event_count(session.partitions)
    if events != count:
        raise SemelError(f"{count} commands were drained, and {events} events followed")
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
