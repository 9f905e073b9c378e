"""What an audit reads of one generation of a projection, and of the log that it came from."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from engine.core.audit.moment import Group, Moment, SeenRow
from engine.core.parking import notes_in
from engine.core.ports.evidence import Walked
from engine.core.projection import Index
from engine.core.records import Checkpoint, Entry
from engine.store.audit import EvidenceNames, at_once, pages
from engine.store.connection import Argument, Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys
from engine.store.logs import texts
from engine.store.scripts import Scripts

MEMBERS_PAGE = 500
"""Index entries that are read at a time: well under a millisecond of Redis's time."""

NO_HASH = {"": "another kind of key than a hash"}
"""Stands for a row's fields where its key holds something else."""


class RedisEvidence(EvidenceNames):
    """One generation, as it stands; see `engine.core.ports.Evidence`."""

    def __init__(  # noqa: PLR0913 -- which generation, and where
        self,
        control: Connection,
        scripts: Scripts,
        keys: Keys,
        partitions: int,
        projection: str,
        generation: int,
        indexes: Sequence[Index],
    ) -> None:
        super().__init__(keys, projection, generation)
        self._control, self._scripts = control, scripts
        self._own = [
            key
            for partition in range(partitions)
            for key in (self.checkpoint_key(partition), self._parked_key(partition))
        ]
        self._fixed: list[Argument] = [
            partitions, self._row_prefix, self._index_prefix,
            msgspec.json.encode([[index.name, index.group, index.order] for index in indexes]),
        ]  # fmt: skip

    async def moment(self) -> Moment:
        """How far it has come."""
        positions, parked, _ = await self._scripts.call("see", self._own, self._fixed)
        return _moment(positions, parked)

    async def see(self, rows: Mapping[str, Iterable[Group]]) -> list[SeenRow]:
        """Some rows as they stand, all at one moment, with the entries of these groups too."""
        keys: list[Any] = [*self._own, *(_raw(self.row_key(row)) for row in rows)]
        asked: list[Argument] = []
        for number, groups in enumerate(rows.values(), 1):
            for group in groups:
                asked += (number, _raw(self.group_key(group)))
        positions, parked, found = await self._scripts.call("see", keys, [*self._fixed, *asked])
        moment = _moment(positions, parked)
        return [
            SeenRow(row, NO_HASH if fields is None else _texts(fields), self._entries(flat), moment)
            for row, (fields, flat) in zip(rows, found, strict=True)
        ]

    async def walk(self, cursor: str, count: int) -> Walked:
        """Look at about ``count`` keys, of whatever kind, and go on next time."""
        name = f"{self._projection}@{self._generation}"
        reached, page = await self._control.call(
            "SCAN", cursor, "MATCH", f"{self._keys.namespace}:[vi]*:{name}:*", "COUNT", count
        )
        keys = [_text(key) for key in page]
        return Walked(
            reached.decode(),
            [
                key.removeprefix(self._row_prefix)
                for key in keys
                if key.startswith(self._row_prefix)
            ],
            [self._group(key) for key in keys if key.startswith(self._index_prefix)],
        )

    async def members(self, group: Group) -> AsyncIterator[list[str]]:
        """The rows of a group of an index, page by page; some come twice."""
        key, cursor = _raw(self.group_key(group)), b"0"
        while True:
            cursor, flat = await self._control.call("ZSCAN", key, cursor, "COUNT", MEMBERS_PAGE)
            yield [_text(row) for row in flat[::2]]
            if cursor == b"0":
                return

    async def some_members(self, group: Group, count: int) -> list[str]:
        """Some rows of a group of an index, at random."""
        found = await self._control.call("ZRANDMEMBER", _raw(self.group_key(group)), count)
        return [_text(row) for row in found]

    def log(self, partition: int, after: int, upto: int, count: int) -> AsyncIterator[list[Entry]]:
        """The log's entries above a position, up to another, ``count`` at a time at the most."""
        key = self._keys.log(partition)
        return pages(self._control, key, f"{after}-0", f"{upto}-0", count)

    async def checkpoint(self, partition: int) -> tuple[Checkpoint, int]:
        """How far the generation has come in a partition, and the head, in one step."""
        found, head = await at_once(
            self._control,
            ["HMGET", self.checkpoint_key(partition), "position", "command", "branch"],
            ["HGET", self._keys.head(partition), "position"],
        )
        position, command, branch = [part.decode() if part else "" for part in found]
        return Checkpoint(int(position or 0), command, branch), int(head or 0)

    async def branches(self, partition: int) -> list[Entry]:
        """The servers that a partition's history was written on, as they were noted."""
        key = self._keys.branches(partition)
        return entries_of(await self._control.call("XRANGE", key, "-", "+"))

    def _entries(self, flat: Sequence[bytes | None]) -> dict[Group, float | None]:
        return {
            self._group(_text(key or b"")): None if score is None else float(score)
            for key, score in zip(flat[::2], flat[1::2], strict=True)
        }


def _moment(positions: Sequence[bytes], parked: Sequence[list[bytes]]) -> Moment:
    notes = {number: notes_in(texts(flat)) for number, flat in enumerate(parked) if flat}
    return Moment(
        [int(position) for position in positions],
        {
            number: {aggregate: note.position for aggregate, note in found.items()}
            for number, found in notes.items()
            if found
        },
    )


def _text(raw: bytes) -> str:
    """A name as text: strangers may have put there what is none, and it is to be named."""
    return raw.decode(errors="surrogateescape")


def _raw(text: str) -> bytes:
    """The same, as it stands in Redis."""
    return text.encode(errors="surrogateescape")


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    parts = [_text(part) for part in flat]
    return dict(zip(parts[::2], parts[1::2], strict=True))
