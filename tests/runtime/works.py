"""A shop in memory whose read models are built anew: workers with one code or another."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio
import msgspec
import pytest
from anyio.abc import TaskGroup

from engine.core.generations import Generations
from engine.core.ports import Session
from engine.core.ports.building import Flip
from engine.core.registry import Domain
from engine.edge.client import Client
from engine.runtime import comparison, curator, follower, node, offer, removal
from engine.runtime.membership import Process
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from engine.store.memory import MemorySession
from engine.store.memory.builds import MemoryBuilds
from handlers.sample import sample_orders
from tests.eventually import eventually
from tests.runtime.stage import PARTITIONS, Stage

NAME = "orders"
QUICK = {"lease_seconds": 0.3, "heartbeat_seconds": 0.02, "projection_batch_events": 3}


class Worker:
    """A projection worker with some code."""

    def __init__(self) -> None:
        self.shutdown = Shutdown()
        self.scope = anyio.CancelScope()
        self.ready = anyio.Event()

    def die(self) -> None:
        """Be gone without a word."""
        self.scope.cancel()


class Works:
    """The shop, its workers, and what an operator does about generations."""

    def __init__(
        self, stage: Stage, session: MemorySession, client: Client, tasks: TaskGroup,
        patch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        self.stage, self.session, self.client = stage, session, client
        self._tasks, self._patch, self._numbers = tasks, patch, count()

    async def worker(self, code: str, domain: Domain | None = None, **settings: Any) -> Worker:
        """Start a worker with this code, and wait until it serves."""
        worker, number = Worker(), next(self._numbers)
        served = self.stage.settings.model_copy(update=settings)

        async def work(session: Session) -> None:
            self._patch.setattr(offer, "code_digest", lambda *_: code)
            process = Process(f"w{number}", "worker", number)
            about = (session, domain or self.stage.domain, served, (NAME,), process)
            await node.worker(*about, worker.shutdown, worker.ready.set)

        async def serve() -> None:
            with worker.scope:
                await work_on_sessions(self.stage.session, work, worker.shutdown, 5)

        self._tasks.start_soon(serve)
        await worker.ready.wait()
        return worker

    async def submit(self, orders: int) -> None:
        """Commands of generated orders, all answered."""
        async with anyio.create_task_group() as tasks:
            for line in sample_orders(orders):
                data = msgspec.json.encode(line["data"])
                tasks.start_soon(self.client.commands.submit, line["type"], line["aggregate"], data)

    async def said(self) -> Generations:
        """What stands of generations."""
        return await self.session.builds.read(NAME)

    async def revise(self, new: Generations) -> None:
        """Do what an operator does, and tell everybody."""
        assert await self.session.builds.revise(NAME, new)
        await self.session.roster.announce("operator", "revised", NAME)

    async def rebuild(self, code: str, load: float = 1.0) -> None:
        """Begin to build anew."""
        await self.revise((await self.said()).begun(code, self.stage.server.now_ms(), load))

    async def live(self, generation: int) -> None:
        """Until queries read this generation."""

        async def is_live() -> bool:
            return (await self.said()).live == generation

        await eventually(is_live, f"generation {generation} is live")

    async def applied(self, generation: int) -> None:
        """Until a generation has applied the whole log."""

        async def is_applied() -> bool:
            builds = self.session.builds
            return await builds.positions(NAME, generation) == await builds.heads()

        await eventually(is_applied, f"generation {generation} has applied everything")

    async def lacks(self, generation: int) -> int:
        """How many events a generation has not applied."""
        builds = self.session.builds
        return sum(await builds.heads()) - sum(await builds.positions(NAME, generation))

    def rows(self, generation: int) -> dict[str, dict[str, str]]:
        """A generation's rows."""
        prefix = self.stage.keys.row(NAME, generation, "")
        data = self.stage.server.data
        return {key.removeprefix(prefix): dict(data.hash(key)) for key in data.keys(prefix)}

    def has_more_rows(self, generation: int, than: int) -> bool:
        """Whether a generation has grown."""
        return len(self.rows(generation)) > than

    def traces(self, generation: int) -> list[str]:
        """Whatever there is of a generation: keys, and partitions where it has a group."""
        data, name = self.stage.server.data, f"{NAME}@{generation}"
        logs = [self.stage.keys.log(partition) for partition in range(PARTITIONS)]
        return [key for key in data.keys("") if name in key] + [
            log for log in logs if name in data.stream(log).groups
        ]


@asynccontextmanager
async def works(
    patch: pytest.MonkeyPatch, orders: int = 20, **settings: Any
) -> AsyncIterator[Works]:
    """An engine, a client, some orders, and no worker yet; the clock is the real one."""
    stage, shutdown = Stage(**QUICK, **settings), Shutdown()
    stage.server.clock = time.time
    client = Client(stage.domain, wait_seconds=10)

    async def engine(session: Session) -> None:
        process = Process("n", "engine", 0)
        await node.engine(session, stage.domain, stage.settings, process, shutdown, lambda: None)

    async with stage.session() as session, anyio.create_task_group() as tasks:
        tasks.start_soon(work_on_sessions, stage.session, client.work, Shutdown(), 5)
        tasks.start_soon(work_on_sessions, stage.session, engine, shutdown, 5)
        place = Works(stage, session, client, tasks, patch)
        await place.submit(orders)
        yield place
        tasks.cancel_scope.cancel()


def without_pauses(patch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly, and no build counts as having caught up."""
    for module, name in (
        (follower, "IDLE_SECONDS"), (curator, "IDLE_SECONDS"), (curator, "CALM_SECONDS"),
        (curator, "FLIP_SECONDS"), (comparison, "ROUND_SECONDS"), (removal, "POLL_SECONDS"),
    ):  # fmt: skip
        patch.setattr(module, name, 0.01)
    patch.setattr(offer, "NEAR_EVENTS", 0)


def never_level(patch: pytest.MonkeyPatch) -> list[list[int]]:
    """From now on one generation always lacks what the other has just applied.

    Returns what each attempt to flip says is enough.
    """
    flip, tried = MemoryBuilds.flip, list[list[int]]()

    async def behind(
        self: MemoryBuilds, projection: str, new: Generations, enough: Sequence[int] = ()
    ) -> Flip:
        tried.append(list(enough))
        return await flip(self, projection, new, enough) if enough else Flip(False, 1)

    patch.setattr(MemoryBuilds, "flip", behind)
    return tried
