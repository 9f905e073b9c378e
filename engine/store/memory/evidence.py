"""What an audit reads of one generation of a projection, and of the log that it came from."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from random import Random

from engine.core.audit.moment import Group, Moment, SeenRow, groups_of
from engine.core.errors import Refused
from engine.core.parking import notes_in
from engine.core.ports.evidence import Walked
from engine.core.projection import Index
from engine.core.records import Checkpoint, Entry
from engine.store.audit import EvidenceNames
from engine.store.evidence import NO_HASH
from engine.store.keys import Keys
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.logs import read_checkpoint
from engine.store.memory.server import Link


class MemoryEvidence(EvidenceNames):
    """One generation, as it stands; see `engine.core.ports.Evidence`."""

    def __init__(  # noqa: PLR0913 -- which generation, and where
        self,
        link: Link,
        keys: Keys,
        partitions: int,
        projection: str,
        generation: int,
        indexes: Sequence[Index],
    ) -> None:
        super().__init__(keys, projection, generation)
        self._link, self._partitions, self._indexes = link, range(partitions), indexes
        self._random = Random(generation)  # noqa: S311 -- nobody guesses rows

    async def moment(self) -> Moment:
        """How far it has come."""
        return self._moment(await self._link.turn())

    async def see(self, rows: Mapping[str, Iterable[Group]]) -> list[SeenRow]:
        """Some rows as they stand, all at one moment, with the entries of these groups too."""
        data = await self._link.turn()
        moment, seen = self._moment(data), []
        for row, groups in rows.items():
            try:
                fields: Mapping[str, str] = dict(data.hash(self.row_key(row)))
            except Refused:
                fields = NO_HASH
            asked = [*groups_of(self._indexes, fields), *groups]
            entries = {group: data.ranking(self.group_key(group)).get(row) for group in asked}
            seen.append(SeenRow(row, fields, entries, moment))
        return seen

    async def walk(self, cursor: str, count: int) -> Walked:
        """Look at about ``count`` keys, of whatever kind, and go on next time."""
        data = await self._link.turn()
        there = sorted(key for key in data.keys("") if key > cursor or cursor == "0")
        page = there[:count]
        rows, groups = self._row_prefix, self._index_prefix
        return Walked(
            page[-1] if len(there) > count else "0",
            [key.removeprefix(rows) for key in page if key.startswith(rows)],
            [self._group(key) for key in page if key.startswith(groups)],
        )

    async def members(self, group: Group) -> AsyncIterator[list[str]]:
        """The rows of a group of an index, page by page; some come twice."""
        data = await self._link.turn()
        yield data.ranking(self.group_key(group)).ordered()

    async def some_members(self, group: Group, count: int) -> list[str]:
        """Some rows of a group of an index, at random."""
        data = await self._link.turn()
        found = data.ranking(self.group_key(group)).ordered()
        return self._random.sample(found, min(count, len(found)))

    async def log(
        self, partition: int, after: int, upto: int, count: int
    ) -> AsyncIterator[list[Entry]]:
        """The log's entries above a position, up to another, ``count`` at a time at the most."""
        while after < upto:
            data = await self._link.turn()
            log = data.stream(self._keys.log(partition))
            page = [e for e in log.after(f"{after}-0", count) if _position(e) <= upto]
            if not page:
                return
            yield page
            after = _position(page[-1])

    async def checkpoint(self, partition: int) -> tuple[Checkpoint, int]:
        """How far the generation has come in a partition, and the head, in one step."""
        data = await self._link.turn()
        found = read_checkpoint(data, self.checkpoint_key(partition))
        head = int(data.hash(self._keys.head(partition)).get("position", 0))
        return Checkpoint(found.position, found.command, found.branch), head

    async def branches(self, partition: int) -> list[Entry]:
        """The servers that a partition's history was written on, as they were noted."""
        data = await self._link.turn()
        return list(data.stream(self._keys.branches(partition)).entries)

    def _moment(self, data: Keyspace) -> Moment:
        positions, parked = [], {}
        for number in self._partitions:
            held = data.hash(self.checkpoint_key(number))
            positions.append(int(held.get("position", 0)))
            found = notes_in(data.hash(self._parked_key(number)))
            notes = {name: note.position for name, note in found.items()}
            if notes:
                parked[number] = notes
        return Moment(positions, parked)


def _position(entry: Entry) -> int:
    return int(entry.id.partition("-")[0])
