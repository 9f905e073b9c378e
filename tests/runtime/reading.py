"""Projecting in memory: a log of shop events, read by projectors through scripted feeds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

from engine.core.ports import Feed, Session, Subscription
from engine.core.projection import Projection
from engine.core.records import Entry
from engine.runtime.build import Build
from engine.runtime.pace import Pace
from engine.runtime.projector import Projector
from engine.store.memory import MemorySession
from engine.testing import Happened, ReadModels
from projections.customers import customers
from tests.eventually import eventually
from tests.runtime.meddling import Meddler
from tests.runtime.stage import LEASE_SECONDS, ORDER, Stage, aggregates

PARTITION = 1
ITEM = {"product_id": "p-2", "quantity": 1, "unit_price": "0.25"}

Rows = dict[str, dict[str, str]]


class Scripted:
    """A subscription that first gives what its script says, then what is really next."""

    def __init__(self, real: Subscription, script: Sequence[list[Entry]]) -> None:
        self._real, self._script = real, list(script)

    async def take(self, seconds: float | None = None) -> list[Entry] | None:
        return self._script.pop(0) if self._script else await self._real.take(seconds)

    async def hold(self) -> None:
        await self._real.hold()

    def rewind(self, after: str) -> None:
        self._real.rewind(after)

    def close(self) -> None:
        self._script.clear()
        self._real.close()


class ScriptedFeed:
    """A feed whose subscriptions are scripted."""

    def __init__(self, real: Feed, script: Sequence[list[Entry]]) -> None:
        self._real, self._script = real, script

    def subscribe(self, key: str, after: str) -> Scripted:
        return Scripted(self._real.subscribe(key, after), self._script)

    def retire(self) -> None:
        self._real.retire()


class Reading:
    """A stage whose log holds events, and generations that read it."""

    def __init__(self, session: MemorySession, stage: Stage) -> None:
        self.stage, self.session = stage, session
        self.wrap: dict[str, Any] = {}
        """What happens around calls of the log; see `Meddler`."""
        self.digest, self.pace, self.is_kept = "", Pace(), True
        """What projectors are told of their generation."""
        self._tokens = 0

    def entries(self) -> list[Entry]:
        """The log."""
        return list(self.stage.server.data.stream(self.stage.keys.log(PARTITION)).entries)

    def position(self, generation: int, projection: Projection[Any] = customers) -> int:
        """How far a generation has come."""
        key = self.stage.keys.projection(PARTITION, projection.name, generation)
        return int(self.stage.server.data.hash(key).get("position", 0))

    def rows(self, generation: int, projection: Projection[Any] = customers) -> Rows:
        """A generation's rows, by id."""
        prefix = self.stage.keys.row(projection.name, generation, "")
        dump = self.stage.server.data.dump()
        return {k.removeprefix(prefix): row for k, row in dump.items() if k.startswith(prefix)}

    async def acquire(self, generation: int, projection: Projection[Any] = customers) -> str:
        """Take a generation's lease, whose former holder is dead or gone."""
        self._tokens += 1
        self.stage.clock.now += LEASE_SECONDS + 1
        key = self.session.projection_lease(projection.name, generation, PARTITION)
        token = f"reader-{self._tokens}"
        assert await self.session.leases.acquire(key, f"worker-{token}", token, LEASE_SECONDS)
        return token

    async def projector(
        self,
        generation: int,
        script: Sequence[list[Entry]] = (),
        projection: Projection[Any] = customers,
        session: Session | None = None,
    ) -> Projector:
        """A projector, ready to be served."""
        on = session or self.session
        feed = ScriptedFeed(await on.logs(projection.name, generation), script)

        async def kept() -> bool:
            return self.is_kept

        def log(token: str) -> Any:
            indexes = projection.indexes
            real = on.log(projection.name, generation, indexes, PARTITION, token)
            return Meddler(real, **self.wrap)

        return Projector(
            Build(projection, self.digest, feed, self.pace, kept),
            PARTITION,
            on.log_key(PARTITION),
            self.stage.domain,
            log,
            on.server,
            self.stage.settings,
        )

    @asynccontextmanager
    async def projecting(
        self, generation: int, script: Sequence[list[Entry]] = (), **more: Any
    ) -> AsyncIterator[Projector]:
        """Project a generation until the end of the block."""
        projector = await self.projector(generation, script, **more)
        token = await self.acquire(generation, more.get("projection", customers))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(projector.serve, token)
            yield projector
            projector.stop()

    async def reached(self, generation: int, position: int, **more: Any) -> None:
        """Until a generation has come so far."""
        what = f"generation {generation} reached {position}"
        await eventually(lambda: self.position(generation, **more) >= position, what)

    async def read(self, generation: int, script: Sequence[list[Entry]] = (), **more: Any) -> Rows:
        """A generation's rows when it has read everything."""
        async with self.projecting(generation, script, **more):
            await self.reached(generation, len(self.entries()), **more)
        return self.rows(generation, **more)


@asynccontextmanager
async def reading(**settings: Any) -> AsyncIterator[Reading]:
    """Six events of two orders of one customer, and whoever reads them."""
    stage = Stage(**settings)
    one, two = aggregates("order", PARTITION, 2)
    async with stage.owner(PARTITION):
        commands = [
            stage.send("CreateOrder", one, ORDER),
            stage.send("AddOrderItem", one, ITEM),
            stage.send("CreateOrder", two, ORDER),
            stage.send("AddOrderItem", one, ITEM),
            stage.send("ShipOrder", one),
            stage.send("AddOrderItem", two, ITEM),
        ]
        await stage.outcome(commands[-1], PARTITION)
    async with stage.session() as session:
        yield Reading(session, stage)


def folded(r: Reading) -> Rows:
    """What the rows must be, by a plain fold of the log."""
    events = [
        Happened(
            entry.fields[b"aggregate"].decode(),
            r.stage.domain.decode_event(
                entry.fields[b"type"].decode(), entry.fields[b"data"], entry.fields[b"meta"]
            ),
        )
        for entry in r.entries()
    ]
    return plain(ReadModels(customers).after(*events).hashes(customers))


def plain(rows: Rows) -> Rows:
    """Rows without what is the engine's."""
    return {
        id: {name: text for name, text in row.items() if not name.startswith("_")}
        for id, row in rows.items()
    }
