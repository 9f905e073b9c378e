"""What `semel verify` reads of partitions: whole streams, page by page, changing nothing.

A page is bounded by a count that large entries lower. What must agree although others
write meanwhile is read in one step (``MULTI``); the rest is told apart by the audit.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.core.audit.ends import Ends, Names
from engine.core.audit.moment import Group
from engine.core.errors import NotNow, Refused
from engine.core.records import Entry, StoredEvent
from engine.store.connection import Argument, Connection
from engine.store.entries import entries_of, stored
from engine.store.keys import Keys

PAGE_LIMIT = 1000
"""Entries or keys in one page: a millisecond or two of Redis's time."""

PAGE_FIRST = 64
"""Entries that are asked for at first: nobody knows yet how large they are."""

PAGE_BYTES = 1024 * 1024
"""A page of streams larger than this lowers how many entries the next one asks for."""


_EVENT_FIELDS = {b"type", b"data", b"meta"}


class Kept(NamedTuple):
    """A key of one partition: an aggregate's stream or snapshot, or a generation's checkpoint."""

    partition: int
    kind: str
    name: str


class RedisAudit:
    """Reads of a whole namespace."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self.keys = control, keys
        self._kept = re.compile(
            rf"\{{{re.escape(keys.namespace)}:(\d+)\}}:(events|snapshot|projection):(.+)", re.DOTALL
        )

    def names(self, partition: int) -> Names:
        """A partition's keys."""
        return names_of(self.keys, partition)

    async def ends(self, partition: int) -> Ends:
        """The head and the ends of the streams below it, in one step."""
        names = self.names(partition)
        head, log, outcomes, late, waiting = await at_once(
            self._control,
            ["HGETALL", names.head],
            ["XREVRANGE", names.log, "+", "-", "COUNT", 1],
            ["XREVRANGE", names.outcomes, "+", "-", "COUNT", 1],
            ["XREVRANGE", names.late, "+", "-", "COUNT", 1],
            ["HKEYS", names.waiting],
        )
        ends = [entries_of(raw)[0].id if raw else "0-0" for raw in (log, outcomes, late)]
        waits = frozenset(each.decode() for each in waiting)
        return Ends(_texts(head), ends[0], ends[1], ends[2], waits)

    async def waiting(self, partition: int) -> dict[str, bytes]:
        """The deferred commands that wait to be decided, as they are kept, by stream id."""
        flat = await self._control.call("HGETALL", self.names(partition).waiting)
        return {id.decode(): kept for id, kept in zip(flat[::2], flat[1::2], strict=True)}

    async def sources(self, partition: int) -> list[str]:
        """What commands from inside have come from, by their names among ``sources``."""
        return [
            each.decode()
            for each in await self._control.call("HKEYS", self.keys.sources(partition))
        ]

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

    def entries(self, key: str, after: str, upto: str) -> AsyncIterator[list[Entry]]:
        """A stream's entries above an id, up to another."""
        return pages(self._control, key, after, upto, PAGE_LIMIT)

    async def snapshot(self, key: str) -> bytes:
        """A snapshot's text; empty where none is, or something else."""
        try:
            found: bytes | None = await self._control.call("GET", key)
        except NotNow:
            raise
        except Refused:
            return b""
        return found or b""

    async def events(self, key: str, upto: int) -> AsyncIterator[list[StoredEvent]]:
        """An aggregate's events up to a version; what is none that a commit writes is left out."""
        async for page in self.entries(key, "0-0", f"{upto}"):
            yield [stored(entry) for entry in page if entry.fields.keys() >= _EVENT_FIELDS]

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
        position, *lengths = await at_once(
            self._control,
            ["HGET", self.keys.head(partition), "position"],
            *(["XLEN", self.keys.events(partition, aggregate)] for aggregate in aggregates),
        )
        return int(position or 0), lengths

    async def kept(self) -> AsyncIterator[list[Kept]]:
        """Every aggregate's stream and every checkpoint that there is; some come twice."""
        async for page in self._scan(f"{{{self.keys.namespace}:*}}:*"):
            matches = [self._kept.fullmatch(key.decode(errors="replace")) for key in page]
            yield [Kept(int(found[1]), found[2], found[3]) for found in matches if found]

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


class EvidenceNames:
    """The names of what one generation of a projection keeps, as an audit tells of them."""

    def __init__(self, keys: Keys, projection: str, generation: int) -> None:
        self._keys, self._projection, self._generation = keys, projection, generation
        self._row_prefix = keys.row(projection, generation, "")
        self._index_prefix = keys.index(projection, generation, "")

    def names(self, partition: int) -> Names:
        """A partition's keys."""
        return names_of(self._keys, partition)

    def checkpoint_key(self, partition: int) -> str:
        """The key of a checkpoint."""
        return self._keys.projection(partition, self._projection, self._generation)

    def row_key(self, row: str) -> str:
        """The key of a row."""
        return f"{self._row_prefix}{row}"

    def group_key(self, group: Group) -> str:
        """The key of an index's group."""
        return f"{self._index_prefix}{group[0]}:{group[1]}"

    def _parked_key(self, partition: int) -> str:
        return self._keys.parked(partition, self._projection, self._generation)

    def _group(self, key: str) -> Group:
        index, _, group = key.removeprefix(self._index_prefix).partition(":")
        return index, group


async def at_once(control: Connection, *requests: Sequence[Argument]) -> list[Any]:
    """Several reads with no write between them; raises `Refused` where one is refused."""
    sent = [control.call(*request) for request in (["MULTI"], *requests, ["EXEC"])]
    answers: list[Any] = [await each for each in sent][-1]
    for answer in answers:
        if isinstance(answer, Exception):
            raise Refused(str(answer)) from answer
    return answers


def names_of(keys: Keys, partition: int) -> Names:
    """A partition's keys, for findings."""
    return Names(
        partition, keys.head(partition), keys.log(partition), keys.outcomes(partition),
        keys.commands(partition), keys.branches(partition), keys.waiting(partition),
        keys.late(partition),
    )  # fmt: skip


async def pages(
    control: Connection, key: str, after: str, upto: str, limit: int
) -> AsyncIterator[list[Entry]]:
    """A stream's entries above an id, up to another, ``limit`` at a time at the most."""
    count = min(limit, PAGE_FIRST)
    while True:
        raw = await control.call("XRANGE", key, f"({after}", upto, "COUNT", count)
        page = entries_of(raw)
        if page:
            yield page
            after = page[-1].id
        if len(page) < count:
            return
        size = sum([entry.size for entry in page])
        count = max(1, count // 2) if size > PAGE_BYTES else min(limit, count * 2)


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    texts = [part.decode(errors="surrogateescape") for part in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
