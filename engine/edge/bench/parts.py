"""The parts of ``semel bench``: each measures one thing on a server that it gets empty."""

import os
import platform
import time
from collections.abc import Sequence
from statistics import mean
from typing import Any

import anyio
import msgspec

from engine import app
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import wire, workload
from engine.settings import Settings

SERVER_SHARE = 0.95
"""Less of the server's time than this, and the client was measured: the figure is void."""

_RAW_ATTEMPTS = 3

_LOOK_SECONDS = 0.05
"""How often the outcomes are counted: the error of a drain's time, about a percent of it."""


class Raw(msgspec.Struct, frozen=True):
    """What the server alone can take of the workload's own entries."""

    per_second: float
    server_share: float

    @property
    def valid(self) -> bool:
        """Whether it was the server that was measured."""
        return self.server_share >= SERVER_SHARE


class Drain(msgspec.Struct, frozen=True):
    """What one engine process makes of commands that are waiting, whole protocol included."""

    commands: int
    per_second: float
    engine_us: float
    server_us: float
    engine_share: float
    server_share: float
    ratio_to_raw: float = 0.0


def raw(port: int, count: int) -> Raw:
    """XADDs per second to one stream, prebuilt, 64 a write over 8 sockets.

    Where something else on the machine kept the server waiting, once or twice more.
    """
    prepared = list(workload.packets(["bench:raw"], range(count), _now_ms()))
    measured = Raw(0, 0)
    for _ in range(_RAW_ATTEMPTS):
        sent = wire.send(port, prepared, workload.SOCKETS)
        wire.ask(port, b"UNLINK", b"bench:raw")
        measured = Raw(sent.commands / sent.seconds, sent.server_seconds / sent.seconds)
        if measured.valid:
            break
    return measured


async def drain(settings: Settings, domain: Domain, port: int, count: int) -> Drain:
    """Prepare commands over as many aggregates, then drain them: first read to last commit.

    The clock starts before the engine opens its session; what counts as done is what
    Redis holds in ``outcomes``. Raises `SemelError` when an outcome is not ``accepted``.
    """
    kept = settings.model_copy(update={"outcomes_keep_count": count + 1, "log_level": "error"})
    async with app.namespace_session(kept, create=settings.partitions) as session:
        keys = [session.commands_key(number) for number in range(session.partitions)]
        wire.send(port, list(workload.packets(keys, range(count), _now_ms())), workload.SOCKETS)
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


def beside(drained: Drain, raws: Sequence[Raw]) -> Drain:
    """A drain with its ratio to what the server alone took just before and after it."""
    ratio = drained.per_second / mean(raw.per_second for raw in raws)
    return msgspec.structs.replace(drained, ratio_to_raw=ratio)


def facts() -> dict[str, Any]:
    """What a figure should be read with."""
    return {
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
