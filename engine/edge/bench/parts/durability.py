"""What the append-only file costs a drain: none, written every second, written at every commit.

Beside them is what the disk itself can do: 4 KiB appended and `fdatasync`, one after the other.
"""

import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from engine.edge.bench import wording
from engine.edge.bench.figures import Rated, ratio
from engine.edge.bench.parts.drain import Drain, drain
from engine.edge.bench.stage import UNDISTURBED, Stage
from engine.edge.server import Fsync, embedded_server

_SYNC_SECONDS = 1.0
_SYNC_BYTES = 4096


class Durability(Rated, frozen=True, kw_only=True):
    """Commands per second with ``appendfsync always``, and beside it with less."""

    everysec_per_second: float
    off_per_second: float
    always_to_everysec: float
    engine_us: dict[str, float]
    server_us: dict[str, float]
    fdatasync_per_second: float


async def durability(stage: Stage) -> Durability:
    """One drain of each, on servers of their own."""
    off, everysec, always = (
        await _drained(stage, "no", "--appendonly", "no"),
        await _drained(stage, "everysec"),
        await _drained(stage, "always"),
    )
    runs = {"off": off, "everysec": everysec, "always": always}
    return Durability(
        per_second=always.per_second, everysec_per_second=everysec.per_second,
        off_per_second=off.per_second,
        always_to_everysec=ratio(always.per_second, everysec.per_second),
        engine_us={name: run.engine_us for name, run in runs.items()},
        server_us={name: run.server_us for name, run in runs.items()},
        fdatasync_per_second=await anyio.to_thread.run_sync(fdatasyncs),
    )  # fmt: skip


async def _drained(stage: Stage, fsync: Fsync, *options: str) -> Drain:
    set_so = (*UNDISTURBED, *options)
    start = partial(embedded_server, binary=stage.binary, fsync=fsync, options=set_so)
    async with start() as server:
        here = stage.settings.model_copy(update={"redis": server.url})
        return await drain(here, stage.domain, server.port, stage.plan.commands)


def fdatasyncs() -> float:
    """How often a second the disk confirms, where embedded servers keep their data."""
    block, count = os.urandom(_SYNC_BYTES), 0
    with TemporaryDirectory() as place, (Path(place) / "synced").open("wb", buffering=0) as file:
        began = time.perf_counter()
        while (taken := time.perf_counter() - began) < _SYNC_SECONDS:
            file.write(block)
            os.fdatasync(file.fileno())
            count += 1
    return count / taken


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    rates = (("always", ""), ("everysec", "everysec_"), ("off", "off_"))
    for name, mark in rates:
        engine, server = said["engine_us"][name], said["server_us"][name]
        yield f"{wording.spread('durability', 'commands/s', mark, said)}, AOF {name}"
        yield f"            engine {engine:.1f}, server {server:.1f} us each"
    yield (
        f"            always is {said['always_to_everysec']:.2f} x everysec, "
        f"{said['ratio_to_raw']:.3f} x raw; the disk does {said['fdatasync_per_second']:,.0f} "
        f"fdatasync/s"
    )
