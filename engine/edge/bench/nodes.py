"""Engine nodes as processes of their own, for benches that start, stop and kill them."""

import os
import sys
from collections.abc import Sequence

import anyio
from anyio.abc import Process, TaskStatus

from engine.app import RedisSession
from engine.core.records import LeaseState
from engine.edge.leash import leash
from engine.settings import Settings

_SETTLE_SECONDS = 20.0
"""Nodes that have not shared the partitions by then never will."""

_LOOK_SECONDS = 0.02


async def engine_node(settings: Settings, *, task_status: TaskStatus[Process]) -> None:
    """An engine node in a process of its own, until it ends; killed when this is cancelled."""
    words = ["run", "--redis", settings.redis, "--namespace", settings.namespace]
    quiet = {**os.environ, "SEMEL_LOG_LEVEL": "error"}
    with leash([sys.executable, "-m", "engine.edge.cli", *words]) as leashed:
        async with await anyio.open_process(
            leashed.command, stdin=leashed.stdin, stdout=None, stderr=None, env=quiet
        ) as process:
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
