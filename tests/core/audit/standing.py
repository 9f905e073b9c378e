"""Things in memory: their log, and rows that a projector made of it, while it goes on."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.core.audit.generation import GenerationAudit
from engine.core.audit.subject import Steps, Subject
from engine.core.codec import logged
from engine.core.messages import Event
from engine.core.parking import Fault, Note, written
from engine.core.ports import Evidence, Log, Session
from engine.core.projecting import projecting
from engine.core.records import Checkpoint, LoggedEvent
from tests.contract.stores import PARTITIONS, MemoryStore
from tests.core.audit.folding import DOMAIN, happened, things

BRANCH = "branch-a"
STEPS = Steps(page=4, events=3, rows=5)


class Standing:
    """One generation of things, and all the partitions that it comes from."""

    def __init__(self, store: MemoryStore, session: Session) -> None:
        self.store, self.session, self.keys = store, session, store.keys
        self.evidence: Evidence = session.evidence("things", 1, things.indexes)
        self._project = projecting(DOMAIN, things)
        self._logs: dict[int, Log] = {}
        self._waiting: dict[int, list[LoggedEvent]] = defaultdict(list)
        self._heads, self._reached = [0] * PARTITIONS, [0] * PARTITIONS
        self._parked: dict[str, int] = {}

    async def open(self) -> None:
        """Take all leases."""
        for partition in range(PARTITIONS):
            key = self.session.projection_lease("things", 1, partition)
            assert await self.session.leases.acquire(key, "worker", "token", 60)
            about = "things", 1, things.indexes, partition, "token"
            self._logs[partition] = self.session.log(*about)
            fields = {"branch": BRANCH, "from": "0", "server": "s"}
            self.store.add(self.keys.branches(partition), fields)

    def happens(self, partition: int, event: Event, aggregate: str) -> None:
        """An event is committed."""
        self._heads[partition] = position = self._heads[partition] + 1
        new = happened(position, event, aggregate)
        meta = f'{{"causation":"c","entry":"{position}-0","time":"2026-01-31T12:00:00Z"}}'
        fields: dict[str, str | bytes] = {
            "aggregate": new.aggregate, "version": "1", "type": new.type,
            "data": new.data, "meta": meta,
        }  # fmt: skip
        self.store.add(self.keys.log(partition), fields, f"{position}-0")
        self.store.write(self.keys.head(partition), {"position": str(position)})
        entry = self.store.server.data.stream(self.keys.log(partition)).entries[-1]
        self._waiting[partition].append(logged(entry))

    async def apply(self) -> None:
        """Apply what has happened since."""
        for partition, events in self._waiting.items():
            changes = [
                change
                for event in events
                if event.position < self._parked.get(event.aggregate, event.position + 1)
                for change in self._project(partition, event)
            ]
            if events:
                last = events[-1].position
                reached = Checkpoint(last, f"{last}-0", BRANCH)
                await self._logs[partition].apply(self._reached[partition], reached, changes)
                self._reached[partition] = last
        self._waiting.clear()

    def park(self, partition: int, aggregate: str) -> None:
        """Pass over an aggregate from the next event on."""
        position = self._parked.setdefault(aggregate, self._heads[partition] + 1)
        note = written(Note(position, "T", Fault("KeyError", "a bug"), 4, 1))
        self.store.write(self.keys.parked(partition, "things", 1), {aggregate: note})

    def unpark(self, partition: int, aggregate: str) -> None:
        """Forget that it was parked."""
        del self._parked[aggregate]
        self.store.server.data.drop(self.keys.parked(partition, "things", 1), [aggregate])

    async def replay(self) -> None:
        """Apply what waits for aggregates that are parked, each in one step with its note."""
        for partition, log in self._logs.items():
            position = self._reached[partition]
            reached = Checkpoint(position, f"{position}-0", BRANCH)
            events = await log.events_after(0, position)
            for aggregate in {event.aggregate for event in events} & self._parked.keys():
                changes = [
                    change
                    for event in events
                    if event.aggregate == aggregate and event.position >= self._parked[aggregate]
                    for change in self._project(partition, event)
                ]
                del self._parked[aggregate]
                await log.apply(position, reached, changes, {aggregate: ""})

    def row_key(self, row: str) -> str:
        """A row's key."""
        return self.keys.row("things", 1, row)

    def group_key(self, colour: str) -> str:
        """The key of a group."""
        return f"{self.keys.index('things', 1, 'by_colour')}:{colour}"

    @property
    def subject(self) -> Subject:
        """What is audited; pages are small, so that others have their turn."""
        return Subject(self.evidence, DOMAIN, things, PARTITIONS, STEPS)

    async def audited(
        self, sample: int | None = None, limit: int = 1000, seed: bytes = b"seed"
    ) -> tuple[list[tuple[str, str, str]], GenerationAudit]:
        """What an audit finds, each place once, and the audit."""
        audit = GenerationAudit(self.subject, seed, sample, limit)
        async for _ in audit.steps():
            pass
        return sorted({finding.place for finding in audit.findings}), audit


@asynccontextmanager
async def standing() -> AsyncIterator[Standing]:
    """An empty generation, whose projector is at work."""
    store = MemoryStore("standing")
    async with store.session() as session:
        found = Standing(store, session)
        await found.open()
        yield found
