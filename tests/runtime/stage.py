"""One namespace in memory, with partitions served on it: where runtime tests play."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio

from engine.core.codec import outcome_of
from engine.core.outcome import Outcome
from engine.core.ports import Ledger, Session
from engine.core.records import Entry
from engine.core.routing import partition_of
from engine.runtime.partition import Partition
from engine.settings import Settings
from engine.store.keys import Keys
from engine.store.memory import MemoryServer, MemorySession, open_memory_session
from tests.eventually import eventually
from tests.runtime.probes import Gates, domain_with

NAMESPACE, PARTITIONS = "stage", 4
NOON_MS = 1_769_860_800_000
LEASE_SECONDS = 10.0


class Clock:
    """A clock that a test winds by hand."""

    def __init__(self) -> None:
        self.now = NOON_MS / 1000

    def __call__(self) -> float:
        return self.now


class Stage:
    """A server in memory and what a test sees of it."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.server = MemoryServer(self.clock)
        self.keys = Keys(NAMESPACE)
        self.gates = Gates()
        self.domain = domain_with(self.gates)
        self.settings = Settings(**{"retry_attempts": 1} | settings)
        self.wrap: Callable[[Ledger], Ledger] = lambda ledger: ledger
        """What stands between a partition and its ledger, for tests that interfere."""
        self._tokens = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[MemorySession]:
        """A session on the namespace."""
        async with open_memory_session(self.server, NAMESPACE) as session:
            await session.create(PARTITIONS)
            yield session

    def send(  # noqa: PLR0913 -- the fields of an entry
        self,
        type: str,
        aggregate: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        id: str = "",
        meta: Mapping[str, Any] | None = None,
        partition: int | None = None,
    ) -> str:
        """Add a command as any client may; returns its stream id."""
        raw = data if isinstance(data, bytes) else json.dumps(data or {}).encode()
        fields = {b"id": id.encode()} if id else {}
        fields |= {b"type": type.encode(), b"aggregate": aggregate.encode(), b"data": raw}
        if meta is not None:
            fields[b"meta"] = json.dumps(meta).encode()
        home = partition_of(aggregate, PARTITIONS) if partition is None else partition
        return self.server.add(self.keys.commands(home), fields)

    def outcomes(self, partition: int) -> list[Outcome]:
        """All outcomes of a partition, in order."""
        return [outcome_of(e, partition) for e in self._entries(self.keys.outcomes(partition))]

    def outcomes_due(self, partition: int) -> list[str]:
        """The entries of a partition's commands that have no outcome yet."""
        answered = {one.entry for one in self.outcomes(partition)}
        sent = [entry.id for entry in self._entries(self.keys.commands(partition))]
        return [entry for entry in sent if entry not in answered]

    def late(self, partition: int) -> list[Outcome]:
        """All late outcomes of a partition, in order."""
        return [outcome_of(e, partition) for e in self._entries(self.keys.late(partition))]

    def waiting(self, partition: int) -> dict[str, dict[str, Any]]:
        """What is kept of the commands that wait."""
        kept = self.server.data.hash(self.keys.waiting(partition))
        return {entry: json.loads(raw) for entry, raw in kept.items()}

    async def late_outcome(self, entry: str, partition: int) -> Outcome:
        """The final outcome of a command that was deferred, once it is there."""
        found = await eventually(
            lambda: [one for one in self.late(partition) if one.entry == entry],
            f"the late outcome of {entry}",
        )
        return found[0]

    def dead(self, partition: int) -> list[dict[str, str]]:
        """The dead letters of a partition."""
        letters = self._entries(self.keys.dead(partition))
        return [{n.decode(): v.decode() for n, v in each.fields.items()} for each in letters]

    async def outcome(self, entry: str, partition: int) -> Outcome:
        """The outcome of a command, once it is there."""

        def found() -> list[Outcome]:
            return [one for one in self.outcomes(partition) if one.entry == entry]

        return (await eventually(found, f"the outcome of {entry}"))[0]

    async def answer(self, type: str, aggregate: str, *args: Any, **more: Any) -> Outcome:
        """Send a command and wait for its outcome."""
        home = more.get("partition")
        home = partition_of(aggregate, PARTITIONS) if home is None else home
        return await self.outcome(self.send(type, aggregate, *args, **more), home)

    def events(self, aggregate: str) -> list[tuple[str, Any]]:
        """An aggregate's events: id and type."""
        key = self.keys.events(partition_of(aggregate, PARTITIONS), aggregate)
        return [(entry.id, entry.fields[b"type"].decode()) for entry in self._entries(key)]

    def log(self, partition: int) -> list[str]:
        """The ids of a partition's log."""
        return [entry.id for entry in self._entries(self.keys.log(partition))]

    def head(self, partition: int) -> dict[str, str]:
        """How far a partition is."""
        return dict(self.server.data.hash(self.keys.head(partition)))

    @asynccontextmanager
    async def owner(self, partition: int) -> AsyncIterator[Partition]:
        """Own a partition, on a session of its own; at the end it is stopped and given back."""
        async with self.session() as session, self.owning(session, partition) as served:
            yield served

    @asynccontextmanager
    async def owning(self, session: Session, partition: int) -> AsyncIterator[Partition]:
        """Own a partition on this session."""
        token = await self.acquire(session, partition)
        async with anyio.create_task_group() as tasks:
            served = await self.partition(session, partition)
            tasks.start_soon(served.serve, token)
            yield served
            served.stop()
        await session.leases.release(session.partition_lease(partition), token)

    async def acquire(self, session: Session, partition: int) -> str:
        """Take a partition's lease, whose former holder is dead or gone."""
        self._tokens += 1
        token = f"token-{self._tokens}"
        self.clock.now += LEASE_SECONDS + 1
        key = session.partition_lease(partition)
        assert await session.leases.acquire(key, f"node-{token}", token, LEASE_SECONDS)
        return token

    async def partition(self, session: Session, partition: int) -> Partition:
        """A partition, ready to be served."""
        ledger = partial(session.ledger, partition)
        return Partition(
            partition,
            PARTITIONS,
            session.secret,
            session.commands_key(partition),
            self.domain,
            await session.feed(),
            lambda token: self.wrap(ledger(token)),
            self.settings,
        )

    def _entries(self, key: str) -> list[Entry]:
        return list(self.server.data.stream(key).entries)


def home(aggregate: str) -> int:
    """The partition of an aggregate."""
    return partition_of(aggregate, PARTITIONS)


def aggregates(kind: str, partition: int, count: int) -> list[str]:
    """Some aggregates of one partition."""
    found = (f"{kind}-{n}" for n in range(10_000))
    return [one for one in found if home(one) == partition][:count]


ORDER = {
    "customer_id": "c-1",
    "items": [{"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}],
    "shipping_address": {
        "street": "1 Main", "city": "Reims", "postal_code": "51100", "country": "FR",
    },
}  # fmt: skip
