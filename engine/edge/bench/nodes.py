"""Processes of semel's own, for benches that start, stop, kill and measure them."""

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from subprocess import PIPE

import anyio
import msgspec
from anyio.abc import Process, TaskStatus

from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.core.records import LeaseState
from engine.edge.leash import leash
from engine.settings import Settings

_SETTLE_SECONDS = 20.0
"""Nodes that have not shared the partitions by then never will."""

_LOOK_SECONDS = 0.02


@asynccontextmanager
async def running(settings: Settings, *words: str) -> AsyncIterator[Process]:
    """A daemon in a process of its own, ``semel <words>``; asked to stop in the end."""
    where = ["--redis", settings.redis, "--namespace", settings.namespace]
    services = msgspec.json.encode(settings.services).decode()
    domain = {
        "SEMEL_HANDLERS": settings.handlers, "SEMEL_PROJECTIONS": settings.projections,
        "SEMEL_SERVICES": services,
    }  # fmt: skip
    command = ["-m", "engine.edge.cli", *words, *where]
    async with _started(command, None, domain) as process:
        yield process
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def told_by(module: str, plan: str) -> bytes:
    """What a module of ours prints, run in a process of its own with one word; all of it."""
    async with telling(module, plan) as process:
        return await all_of(module, process)


@asynccontextmanager
async def telling(module: str, plan: str) -> AsyncIterator[Process]:
    """A module of ours in a process of its own, run with one word; `all_of` has what it prints."""
    async with _started(["-m", module, plan], PIPE, {}) as process:
        yield process


async def all_of(module: str, process: Process) -> bytes:
    """What a process prints until it ends."""
    told = b"" if process.stdout is None else b"".join([part async for part in process.stdout])
    code = await process.wait()
    if code:
        raise SemelError(f"{module} ended with {code}: it has said why above")
    return told


@asynccontextmanager
async def _started(
    arguments: Sequence[str], stdout: int | None, said: Mapping[str, str]
) -> AsyncIterator[Process]:
    """A Python process that dies with this one, and is killed if it runs on when this is left."""
    quiet = {**os.environ, "SEMEL_LOG_LEVEL": "error", **said}
    with leash([sys.executable, *arguments]) as leashed:
        async with await anyio.open_process(
            leashed.command, stdin=leashed.stdin, stdout=stdout, stderr=None, env=quiet
        ) as process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()


async def engine_node(settings: Settings, *, task_status: TaskStatus[Process]) -> None:
    """An engine node in a process of its own, until it ends; killed when this is cancelled."""
    async with running(settings, "run") as process:
        task_status.started(process)
        await process.wait()


async def share_evenly(
    session: RedisSession, keys: Sequence[str], nodes: int
) -> dict[str, LeaseState]:
    """Wait until so many nodes own all of these leases, none more than one above another."""
    with anyio.fail_after(_SETTLE_SECONDS):
        while True:
            leases = await session.leases.look(keys)
            owners = [lease.node for lease in leases.values()]
            shares = [owners.count(owner) for owner in set(owners)]
            if "" not in owners and len(shares) == nodes and max(shares) - min(shares) <= 1:
                return leases
            await anyio.sleep(_LOOK_SECONDS)


def pid_of(node: str) -> int:
    """The process that a node's name belongs to."""
    return int(node.split("-")[-2])
