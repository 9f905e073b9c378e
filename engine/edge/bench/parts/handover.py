"""What clients notice when nodes come and go: 1 → 2 → 3 → 2 nodes, under load.

A client keeps commands in flight over many aggregates while nodes join and one is drained.
Every change of an owner is counted, and the longest time that any command took.
"""

import itertools
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import anyio
import msgspec
from anyio.abc import Process

from engine import app
from engine.app import RedisSession
from engine.core.registry import Domain
from engine.edge.bench.nodes import engine_node, pid_of, share_evenly
from engine.edge.client import Client
from engine.settings import Settings

IN_FLIGHT = 32
"""Commands under way at any moment."""

_CUSTOMERS = 200
_LOOK_SECONDS = 0.02
_STEADY_SECONDS = 2.0
"""How long is looked on before and after each change."""


class Step(msgspec.Struct, frozen=True):
    """One change: how many leases moved, how many had to, and the longest wait, in seconds."""

    change: str
    moved: int
    needed: int
    longest: float
    median: float


class _Load:
    """A client's commands, one after the other in each of so many lanes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._numbers = itertools.count()
        self.waits: list[float] = []

    async def keep(self) -> None:
        """Submit without end; raises whatever a client would see."""
        async with anyio.create_task_group() as tasks:
            for _ in range(IN_FLIGHT):
                tasks.start_soon(self._lane)

    async def _lane(self) -> None:
        while True:
            number = next(self._numbers)
            fresh = number < _CUSTOMERS
            verb = "RegisterCustomer" if fresh else "RenameCustomer"
            data = msgspec.json.encode({"name": f"name {number}"})
            began = time.perf_counter()
            outcome = await self._client.commands.submit(
                verb, f"customer-{number % _CUSTOMERS}", data, wait_seconds=30
            )
            outcome.raise_unless_accepted()
            self.waits.append(time.perf_counter() - began)


class _Moves:
    """Who owned each lease last, and how often that changed from one node to another."""

    def __init__(self, session: RedisSession, keys: Sequence[str]) -> None:
        self._session, self._keys = session, keys
        self._owners: dict[str, str] = {}
        self.count = 0

    async def watch(self) -> None:
        """Look on without end."""
        while True:
            for key, lease in (await self._session.leases.look(self._keys)).items():
                if lease.node:
                    before = self._owners.get(key, lease.node)
                    self.count += before != lease.node
                    self._owners[key] = lease.node
            await anyio.sleep(_LOOK_SECONDS)

    def owned_by(self, pid: int) -> int:
        """How many leases a process owns."""
        return sum(pid_of(owner) == pid for owner in self._owners.values())


async def handover(settings: Settings, domain: Domain) -> list[Step]:
    """Three changes under load; raises what a client would have seen of them."""
    async with (
        anyio.create_task_group() as tasks,
        app.namespace_session(settings, create=settings.partitions) as session,
        app.open_client(settings, domain) as client,
    ):
        keys = [session.partition_lease(number) for number in range(session.partitions)]
        nodes: list[Process] = [await tasks.start(engine_node, settings)]
        await share_evenly(session, keys, 1)
        load, moves = _Load(client), _Moves(session, keys)
        tasks.start_soon(load.keep)
        tasks.start_soon(moves.watch)
        steps = []
        for number in (2, 3, 2):
            await anyio.sleep(_STEADY_SECONDS)
            load.waits.clear()
            moves.count, before = 0, len(nodes)
            if number > before:
                nodes.append(await tasks.start(engine_node, settings))
                needed = len(keys) // number
            else:
                leaver = nodes.pop(0)
                needed = moves.owned_by(leaver.pid)
                leaver.send_signal(signal.SIGTERM)
            await share_evenly(session, keys, number)
            await anyio.sleep(_STEADY_SECONDS)
            waits = load.waits
            steps.append(
                Step(f"{before} -> {number}", moves.count, needed, max(waits), median(waits))
            )
        tasks.cancel_scope.cancel()
    return steps


def tell(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of this part."""
    for step in steps:
        yield (
            f"handover    {step['change']} nodes: {step['moved']} of 64 partitions moved "
            f"({step['needed']} had to), longest wait {step['longest'] * 1000:.0f} ms, "
            f"median {step['median'] * 1000:.1f} ms"
        )
