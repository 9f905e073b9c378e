"""Projecting in tests: a log's owner, the row changes of events, and what they come to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from engine.core.ports import Log, Session
from engine.core.projection import Index
from engine.core.records import Appended, Checkpoint, RowChange
from tests.contract.stores import Store

NAME, GENERATION = "things", 1
TOKEN = "token-p"
INDEXES = (Index("by_owner", ("owner",), "rank"), Index("by_both", ("owner", "colour"), "rank"))


def put(position: int, row: str, *, rank: str | None = None, **fields: str) -> RowChange:
    """Set fields; ``rank`` is the score that the changed order field gives in every index."""
    flat = [part for pair in fields.items() for part in pair]
    ranks = {} if rank is None else {index.name: rank for index in INDEXES}
    return RowChange(row, position, False, flat, [], [], ranks)


def add(position: int, row: str, **amounts: str) -> RowChange:
    """Add to fields."""
    flat = [part for pair in amounts.items() for part in pair]
    return RowChange(row, position, False, [], flat, [], {})


def append(position: int, row: str, field: str, *items: str, limit: int = 3) -> RowChange:
    """Append items, JSON each, to a list."""
    appended = [Appended(field, item, limit) for item in items]
    return RowChange(row, position, False, [], [], [], {}, appended)


def drop(position: int, row: str, *fields: str) -> RowChange:
    """Remove fields."""
    return RowChange(row, position, False, [], [], list(fields), {})


def wipe(position: int, row: str) -> RowChange:
    """Remove a row."""
    return RowChange(row, position, True, [], [], [], {})


class Projecting:
    """One projector's hold of one partition's log."""

    def __init__(self, store: Store, session: Session, log: Log, partition: int) -> None:
        self.store, self.session, self.log, self.partition = store, session, log, partition
        self.position = 0

    async def apply(self, *changes: RowChange, upto: int | None = None) -> None:
        """Apply changes and move the checkpoint behind the last of them."""
        reached = max((change.position for change in changes), default=0) if upto is None else upto
        checkpoint = Checkpoint(reached, f"{reached}-7", "branch-a")
        await self.log.apply(self.position, checkpoint, changes)
        self.position = reached

    def row(self, row: str) -> dict[str, str] | None:
        """A row's hash as it stands."""
        found: dict[str, str] | None = self.store.dump().get(self.key(row))
        return found

    def key(self, row: str) -> str:
        """A row's key."""
        return self.store.keys.row(NAME, GENERATION, row)

    def index_key(self, index: str, *group: str) -> str:
        """The key of an index's group, as it is written."""
        return f"{self.store.keys.index(NAME, GENERATION, index)}:{'/'.join(group)}"

    def group(self, index: str, *group: str) -> list[tuple[str, float]] | None:
        """An index's group as it stands: rows and scores, in order."""
        found: list[tuple[str, float]] | None = self.store.dump().get(self.index_key(index, *group))
        return found


@asynccontextmanager
async def projecting(
    store: Store, partition: int = 0, token: str = TOKEN, indexes: Sequence[Index] = INDEXES
) -> AsyncIterator[Projecting]:
    """A session that projects a partition's log."""
    async with store.session() as session:
        yield await project(store, session, partition, token, indexes)


async def project(
    store: Store,
    session: Session,
    partition: int = 0,
    token: str = TOKEN,
    indexes: Sequence[Index] = INDEXES,
) -> Projecting:
    """Take a projector's lease."""
    key = session.projection_lease(NAME, GENERATION, partition)
    assert await session.leases.acquire(key, "worker", token, 30)
    log = session.log(NAME, GENERATION, indexes, partition, token)
    return Projecting(store, session, log, partition)
