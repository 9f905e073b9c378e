"""Processes that share leases, whose tenants do nothing: where keeping leases is tried."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from engine.core.records import Member
from engine.runtime.leases import Group
from engine.runtime.membership import Membership, Process
from engine.runtime.progress import Progress
from engine.runtime.shutdown import Shutdown
from engine.settings import Settings
from engine.store.memory import MemorySession
from tests.eventually import eventually
from tests.runtime.meddling import Meddler
from tests.runtime.stage import Stage

SECONDS, HEARTBEAT = 10.0, 0.003
SETTINGS = Settings(lease_seconds=SECONDS, heartbeat_seconds=HEARTBEAT)


class Guest:
    """A tenant that does nothing for as long as it may."""

    kind = "guest"

    def __init__(self, log: list[str], ending: Exception | None = None) -> None:
        self._log, self._ending = log, ending
        self.progress = Progress()
        self._stopped = anyio.Event()
        self.leaves = anyio.Event()
        self.leaves.set()

    async def serve(self, token: str) -> None:
        assert token
        self._log.append("served")
        try:
            if self._ending is not None:
                raise self._ending
            await self._stopped.wait()
            self._log.append("leaving")
            await self.leaves.wait()
        finally:
            self._log.append("gone")

    def stop(self) -> None:
        self._stopped.set()


class House:
    """Leases on one session, and whoever keeps them."""

    def __init__(self, stage: Stage, session: MemorySession, tasks: TaskGroup) -> None:
        self.stage, self.session, self._tasks = stage, session, tasks
        self.keys = [session.partition_lease(n) for n in range(4)]
        self.looks = 0
        """How often anybody looked who holds what."""
        leases: Any = Meddler(session.leases, before={"look": self._count})
        session.leases = leases
        self.beats = 0
        """How often anybody said how it fares."""
        roster: Any = Meddler(session.roster, before={"beat": self._count_beat})
        session.roster = roster

    def holders(self) -> list[str]:
        """Which node holds each lease; empty for nobody."""
        data = self.stage.server.data
        return [data.hash(key).get("node", "") for key in self.keys]

    def move_in(self, node: str, tenant: Callable[[], Guest], count: int = 4) -> "Keeping":
        """Have a node keep its share of the first leases."""
        groups: dict[str, Group] = {"things": dict.fromkeys(self.keys[:count], tenant)}
        shutdown = Shutdown()
        process = Process(node, "engine", ord(node))

        async def offer(_members: Mapping[str, Member]) -> Mapping[str, Group]:
            return groups

        membership = Membership(self.session, process, offer, SETTINGS, shutdown)
        keeping = Keeping(membership, shutdown, groups)
        self._tasks.start_soon(keeping.keep)
        return keeping

    async def looked_again(self) -> None:
        """Until everybody has looked a few times more."""
        before = self.looks
        await eventually(lambda: self.looks >= before + 6, "everybody looks again")

    async def renewed(self, count: int = 4) -> None:
        """Until the first leases have been renewed, by the clock as it is."""
        hashes = [self.stage.server.data.hash(key) for key in self.keys[:count]]
        end = self.stage.server.now_ms() + SECONDS * 1000
        await eventually(lambda: all(int(h["until"]) >= end for h in hashes), "they are renewed")

    async def held_by(self, *nodes: str) -> None:
        """Until these nodes hold the leases, however they share them."""
        await eventually(lambda: sorted(self.holders()) == sorted(nodes), f"{nodes} hold them")

    async def beaten(self) -> None:
        """Until somebody has said a few times more how it fares."""
        before = self.beats
        await eventually(lambda: self.beats >= before + 3, "it is said how they fare")

    async def _count(self) -> None:
        self.looks += 1

    async def _count_beat(self) -> None:
        self.beats += 1


class Keeping:
    """One process at work."""

    def __init__(
        self, membership: Membership, shutdown: Shutdown, groups: dict[str, Group]
    ) -> None:
        self.membership, self.shutdown, self.groups = membership, shutdown, groups
        self.ready = anyio.Event()
        self.done = anyio.Event()
        self._scope = anyio.CancelScope()

    @property
    def count(self) -> int:
        """How many leases it holds."""
        return self.membership._keeper.count

    async def keep(self) -> None:
        with self._scope:
            await self.membership.serve(self.ready.set)
        self.done.set()

    def die(self) -> None:
        """Be gone without a word."""
        self._scope.cancel()


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    stage = Stage()
    async with stage.session() as session, anyio.create_task_group() as tasks:
        yield House(stage, session, tasks)
        tasks.cancel_scope.cancel()
