"""What an engine process and a server cost each on a core of its own, and what follows from that.

Engine and server are pinned to one core each, so that neither takes the other's time. From the
measured costs a table says what larger machines would do; nothing of it is measured but the costs.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from engine.core.errors import Unfit
from engine.edge.bench import wording
from engine.edge.bench.figures import Rated
from engine.edge.bench.parts.drain import drain
from engine.edge.bench.stage import Stage

CORES = (8, 16, 64)
"""Of machines that run engines."""

MASTERS = (1, 3, 12, 100)
"""Of a Cluster; one is a single server."""

RESERVED_CORES = 2
"""Of each machine: for clients, workers and the kernel."""


class Scale(Rated, frozen=True, kw_only=True):
    """A drain with a core each, and what one command cost both."""

    engine_us: float
    server_us: float


async def scale(stage: Stage) -> Scale:
    """Drain with engine and server pinned; raises `Unfit` where they cannot be."""
    if not hasattr(os, "sched_setaffinity"):
        raise Unfit("processes cannot be pinned to cores here: `scale` needs Linux")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:  # noqa: PLR2004 -- one each
        raise Unfit("`scale` needs two cores: one for the engine, one for the server")
    pinned = {0: {cores[0]}, stage.server_pid: {cores[1]}}
    try:
        for pid, core in pinned.items():
            _pin(pid, core)
        one = await drain(stage.settings, stage.domain, stage.port, stage.plan.commands)
    finally:
        _pin(0, set(cores))
    return Scale(per_second=one.per_second, engine_us=one.engine_us, server_us=one.server_us)


def _pin(pid: int, cores: set[int]) -> None:
    """Keep a process on cores, with all the threads that it has and will have."""
    for thread in os.listdir(f"/proc/{pid or 'self'}/task"):  # noqa: PTH208 -- numbers as texts
        os.sched_setaffinity(int(thread), cores)


def model(engine_us: float, server_us: float) -> dict[str, dict[str, float]]:
    """Commands per second by cores of the engines' machine and by masters.

    ::

        rate(cores, masters) = min((cores - reserved) / engine_us, masters / server_us) x 1e6

    Each engine process fills a core, each master's one thread another; whichever kind is full
    first is the limit. Masters have machines of their own.
    """
    return {
        str(cores): {
            str(masters): min((cores - RESERVED_CORES) / engine_us, masters / server_us) * 1e6
            for masters in MASTERS
        }
        for cores in CORES
    }


def with_model(said: Mapping[str, Any]) -> dict[str, Any]:
    """The model, by the medians."""
    return {"model": model(said["engine_us"], said["server_us"])}


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    yield f"{wording.spread('scale', 'commands/s', '', said)}, a core each"
    yield f"            engine {said['engine_us']:.1f}, server {said['server_us']:.1f} us each"
    yield f"            commands/s that follow, with {', '.join(map(str, MASTERS))} masters:"
    for cores, rates in said["model"].items():
        reached = ", ".join(f"{rate:,.0f}" for rate in rates.values())
        yield f"            {cores:>3} cores of engines: {reached}"
