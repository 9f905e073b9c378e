"""Owning a partition in tests: the lease, the ledger, and commits that build on each other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from engine.core.outcome import Status
from engine.core.ports import Ledger, Session
from engine.core.records import Commit, Head, NewEvent, Record
from tests.contract.stores import Store

TOKEN = "token-a"
META = b'{"causation":"c-1","entry":"1-0","time":"2026-01-31T12:00:00Z"}'


def happened(n: int = 1) -> NewEvent:
    """Some event."""
    return NewEvent("Happened", b'{"n":%d}' % n, META)


def record(entry: str, aggregate: str = "order-1", *events: NewEvent, version: int = 0) -> Record:
    """A command that was accepted, with the events that follow."""
    id = f"id-of-{entry}".encode()
    return Record(
        entry, id, Status.ACCEPTED, aggregate.encode(), version, "d1", b"{}", events
    )  # fmt: skip


class Owner:
    """One partition and the one who owns it."""

    def __init__(self, session: Session, ledger: Ledger, head: Head, partition: int) -> None:
        self.session, self.ledger, self.head, self.partition = session, ledger, head, partition
        self.versions: dict[str, int] = {}

    def draft(self, *records: Record) -> Commit:
        """A commit that builds on what stands."""
        touched: dict[str, int] = {}
        for one in records:
            aggregate = one.aggregate.decode()
            if one.events:
                touched[aggregate] = self.versions.get(aggregate, 0)
        head = self.head
        command = records[-1].entry
        return Commit(head.commit, command, head.position, head.branch, touched, records)

    async def write(self, *records: Record) -> None:
        """Commit records and keep count of what then stands."""
        commit = self.draft(*records)
        await self.ledger.commit(commit)
        events = sum(len(one.events) for one in records)
        for one in records:
            aggregate = one.aggregate.decode()
            self.versions[aggregate] = self.versions.get(aggregate, 0) + len(one.events)
        self.head.commit, self.head.command = commit.number + 1, commit.command
        self.head.position += events

    async def write_events(self, count: int, aggregates: Sequence[str] = ("order-1",)) -> None:
        """Commit so many events, one command each, over the aggregates in turn."""
        done = int(self.head.command.partition("-")[0])
        records = [
            record(f"{done + n + 1}-0", aggregates[n % len(aggregates)], happened(n))
            for n in range(count)
        ]
        await self.write(*records)


async def drafted_on_three(owner: Owner) -> Commit:
    """A commit that touches two aggregates, drafted where three events stand."""
    await owner.write_events(3, ["order-1", "order-2"])
    records = [record("8-0", "order-1", happened()), record("9-0", "order-2", happened())]
    return owner.draft(*records)


@asynccontextmanager
async def owned(store: Store, partition: int = 0, token: str = TOKEN) -> AsyncIterator[Owner]:
    """A session that owns a partition and has opened its ledger."""
    async with store.session() as session:
        yield await own(session, partition, token)


async def own(session: Session, partition: int = 0, token: str = TOKEN) -> Owner:
    """Take a partition's lease and open its ledger."""
    assert await session.leases.acquire(session.partition_lease(partition), "node", token, 30)
    ledger = session.ledger(partition, token)
    return Owner(session, ledger, await ledger.open(), partition)


def expire(store: Store, key: str) -> None:
    """Wind a lease's end into the past: the clock of a real server cannot be wound."""
    store.write(key, {"until": str(store.now_ms() - 1)})
