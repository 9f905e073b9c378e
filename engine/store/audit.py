"""What `semel verify` reads: whole streams, rows and indexes, page by page, changing nothing.

A page is bounded by a count that large entries lower. What must agree although others
write meanwhile is read in one step (``MULTI``); the rest is told apart by the audit.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from engine.core.audit.ends import Ends, Names
from engine.core.audit.generation import Group, ReadRow
from engine.core.errors import Refused
from engine.core.parking import notes_in
from engine.core.records import Checkpoint, Entry
from engine.store.connection import Argument, Connection
from engine.store.feed import entries_of
from engine.store.keys import Keys
from engine.store.rows import read_checkpoint

PAGE_LIMIT = 1000
"""Entries or keys in one page: a millisecond or two of Redis's time."""

PAGE_BYTES = 1024 * 1024
"""A page of streams larger than this lowers how many entries the next one asks for."""

NO_HASH = {"": "another kind of key than a hash"}
"""Stands for a row's fields where its key holds something else."""


class Kept(NamedTuple):
    """A key of one partition: an aggregate's stream, or a generation's checkpoint."""

    partition: int
    kind: str
    name: str


class RedisAudit:
    """Reads of a whole namespace."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self.keys = control, keys
        self._kept = re.compile(
            rf"\{{{re.escape(keys.namespace)}:(\d+)\}}:(events|projection):(.+)", re.DOTALL
        )

    def names(self, partition: int) -> Names:
        """A partition's keys."""
        keys = self.keys
        return Names(
            partition, keys.head(partition), keys.log(partition), keys.outcomes(partition),
            keys.commands(partition), keys.branches(partition),
        )  # fmt: skip

    async def ends(self, partition: int) -> Ends:
        """The head and the ends of the streams below it, in one step."""
        names = self.names(partition)
        head, log, outcomes = await self._at_once(
            ["HGETALL", names.head],
            ["XREVRANGE", names.log, "+", "-", "COUNT", 1],
            ["XREVRANGE", names.outcomes, "+", "-", "COUNT", 1],
        )
        _check([head, log, outcomes])
        ends = [entries_of(raw)[0].id if raw else "0-0" for raw in (log, outcomes)]
        return Ends(_texts(head), *ends)

    async def position(self, partition: int) -> int:
        """How far the head says that the log reaches."""
        return int(await self._control.call("HGET", self.keys.head(partition), "position") or 0)

    async def forgotten(self, partition: int) -> str:
        """The highest outcome that was trimmed by now."""
        found = await self._control.call("HGET", self.keys.head(partition), "forgotten")
        return found.decode() if found else "0-0"

    async def branches(self, partition: int) -> list[Entry]:
        """A partition's branches."""
        key = self.keys.branches(partition)
        return entries_of(await self._control.call("XRANGE", key, "-", "+"))

    async def entries(self, key: str, after: str, upto: str) -> AsyncIterator[list[Entry]]:
        """A stream's entries above an id, up to another."""
        count = 64
        while True:
            raw = await self._control.call("XRANGE", key, f"({after}", upto, "COUNT", count)
            page = entries_of(raw)
            if page:
                yield page
                after = page[-1].id
            if len(page) < count:
                return
            size = sum([entry.size for entry in page])
            count = max(1, count // 2) if size > PAGE_BYTES else min(PAGE_LIMIT, count * 2)

    async def histories(
        self, partition: int, spans: Mapping[str, tuple[int, int]]
    ) -> dict[str, list[Entry]]:
        """Events of aggregates, each from a version to a version."""
        replies = {
            aggregate: self._control.call(
                "XRANGE", self.keys.events(partition, aggregate), f"{first}-0", f"{last}"
            )
            for aggregate, (first, last) in spans.items()
        }
        return {aggregate: entries_of(await reply) for aggregate, reply in replies.items()}

    async def lengths(self, kept: Sequence[Kept]) -> list[int]:
        """How many events aggregates' streams have."""
        replies = [
            self._control.call("XLEN", self.keys.events(each.partition, each.name)) for each in kept
        ]
        return [await reply for reply in replies]

    async def position_and_lengths(
        self, partition: int, aggregates: Sequence[str]
    ) -> tuple[int, list[int]]:
        """The head's position and the lengths of aggregates' streams, in one step."""
        position, *lengths = await self._at_once(
            ["HGET", self.keys.head(partition), "position"],
            *(["XLEN", self.keys.events(partition, aggregate)] for aggregate in aggregates),
        )
        _check([position, *lengths])
        return int(position or 0), lengths

    async def kept(self) -> AsyncIterator[list[Kept]]:
        """Every aggregate's stream and every checkpoint that there is; some come twice."""
        async for page in self._scan(f"{{{self.keys.namespace}:*}}:*"):
            matches = [self._kept.fullmatch(key.decode(errors="replace")) for key in page]
            yield [Kept(int(found[1]), found[2], found[3]) for found in matches if found]

    async def checkpoint(self, projection: str, generation: int, partition: int) -> Checkpoint:
        """How far a generation has come in a partition."""
        key = self.keys.projection(partition, projection, generation)
        return await read_checkpoint(self._control, key)

    async def parked(self, projection: str, generation: int, partition: int) -> dict[str, int]:
        """The aggregates that a generation passes over in a partition, each from where on."""
        key = self.keys.parked(partition, projection, generation)
        fields = _texts(await self._control.call("HGETALL", key))
        return {aggregate: note.position for aggregate, note in notes_in(fields).items()}

    async def rows(
        self, projection: str, generation: int
    ) -> AsyncIterator[list[tuple[str, dict[str, str]]]]:
        """Every row of a generation; some come twice."""
        prefix = self.keys.row(projection, generation, "")
        async for page in self._scan(f"{prefix}*"):
            replies = [self._control.call("HGETALL", key) for key in page]
            yield [
                (_text(key).removeprefix(prefix), await _hash(reply))
                for key, reply in zip(page, replies, strict=True)
            ]

    async def entries_of_indexes(
        self, projection: str, generation: int
    ) -> AsyncIterator[tuple[Group, list[tuple[str, float]]]]:
        """Every index entry of a generation, group by group; some come twice."""
        prefix = self.keys.index(projection, generation, "")
        async for page in self._scan(f"{prefix}*"):
            for key in page:
                index, _, group = _text(key).removeprefix(prefix).partition(":")
                cursor = b"0"
                while True:
                    cursor, flat = await self._control.call(
                        "ZSCAN", key, cursor, "COUNT", PAGE_LIMIT
                    )
                    members = zip(flat[::2], flat[1::2], strict=True)
                    yield (index, group), [(_text(row), float(score)) for row, score in members]
                    if cursor == b"0":
                        break

    async def row(
        self, projection: str, generation: int, row: str, groups: Iterable[Group]
    ) -> ReadRow:
        """A row and some of its index entries, in one step."""
        asked = list(groups)
        key = _raw(self.keys.row(projection, generation, row))
        requests: list[list[Argument]] = [["HGETALL", key]]
        for group in asked:
            key = _raw(self.group_key(projection, generation, group))
            requests.append(["ZSCORE", key, _raw(row)])
        found = await self._at_once(*requests)
        fields = NO_HASH if isinstance(found[0], Exception) else _texts(found[0])
        _check(found[1:])
        scores = [None if score is None else float(score) for score in found[1:]]
        return ReadRow(fields, dict(zip(asked, scores, strict=True)))

    def group_key(self, projection: str, generation: int, group: Group) -> str:
        """The key of an index's group."""
        return f"{self.keys.index(projection, generation, group[0])}:{group[1]}"

    async def _scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        cursor = b"0"
        while True:
            cursor, keys = await self._control.call(
                "SCAN", cursor, "MATCH", pattern, "COUNT", PAGE_LIMIT
            )
            if keys:
                yield keys
            if cursor == b"0":
                return

    async def _at_once(self, *requests: Sequence[Argument]) -> list[Any]:
        """Several reads with no write between them; what Redis refuses is an error in the list."""
        sent = [self._control.call(*request) for request in (["MULTI"], *requests, ["EXEC"])]
        answers: list[Any] = [await each for each in sent][-1]
        return answers


def _check(replies: Sequence[Any]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise Refused(str(reply)) from reply


async def _hash(reply: Awaitable[list[bytes]]) -> dict[str, str]:
    try:
        return _texts(await reply)
    except Refused:
        return NO_HASH


def _text(raw: bytes) -> str:
    """A name as text: strangers may have put there what is none, and it is to be named."""
    return raw.decode(errors="surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    texts = [_text(part) for part in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
