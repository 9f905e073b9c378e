"""What operators and tools read: streams as they stand."""

import msgspec

from engine.core.codec import logged
from engine.core.records import LoggedEvent, StoredEvent
from engine.core.routing import partition_of
from engine.store.clock import now_ms
from engine.store.connection import Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys

BACKLOG_LIMIT = 1000
"""Waiting commands that are counted one by one; beyond, it is "at least"."""


class PartitionState(msgspec.Struct):
    """How far a partition is; ``waiting`` counts up to `BACKLOG_LIMIT` + 1.

    ``oldest`` is the entry of the command that waits longest, empty where none waits.
    ``deferred`` are those that were read, and wait to be decided.
    """

    partition: int
    commit: int
    position: int
    waiting: int
    oldest: str
    deferred: int = 0


class RedisInspection:
    """Reads that change nothing and own nothing."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self._keys = control, keys

    async def events(
        self, aggregate: str, partitions: int, after: int = 0, count: int = 1000
    ) -> list[StoredEvent]:
        """An aggregate's events above a version."""
        key = self._keys.events(partition_of(aggregate, partitions), aggregate)
        raw = await self._control.call("XRANGE", key, f"{after + 1}-0", "+", "COUNT", count)
        return [
            StoredEvent(
                int(entry.id.partition("-")[0]),
                entry.fields[b"type"].decode(), entry.fields[b"data"], entry.fields[b"meta"],
            )
            for entry in entries_of(raw)
        ]  # fmt: skip

    async def log(self, partition: int, after: int = 0, count: int = 1000) -> list[LoggedEvent]:
        """A partition's events above a position."""
        raw = await self._control.call(
            "XRANGE", self._keys.log(partition), f"{after + 1}-0", "+", "COUNT", count
        )
        return [logged(entry) for entry in entries_of(raw)]

    async def partition(self, partition: int) -> PartitionState:
        """How far a partition is, and what waits."""
        commit, command, position = await self._control.call(
            "HMGET", self._keys.head(partition), "commit", "command", "position"
        )
        start = f"({command.decode()}" if command else "-"
        waiting = await self._control.call(
            "XRANGE", self._keys.commands(partition), start, "+", "COUNT", BACKLOG_LIMIT + 1
        )
        oldest = waiting[0][0].decode() if waiting else ""
        deferred = await self._control.call("HLEN", self._keys.waiting(partition))
        done = int(commit or 0), int(position or 0)
        return PartitionState(partition, *done, len(waiting), oldest, deferred)

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    async def command_count(self, partitions: int) -> int:
        """How many commands were ever added to all partitions."""
        keys = [self._keys.commands(number) for number in range(partitions)]
        there = [await reply for reply in [self._control.call("EXISTS", key) for key in keys]]
        asked = [key for key, is_there in zip(keys, there, strict=True) if is_there]
        said = [await reply for reply in [self._control.call("XINFO", "STREAM", k) for k in asked]]
        return sum(dict(zip(each[::2], each[1::2], strict=True))[b"entries-added"] for each in said)

    async def outcome_count(self, partitions: int) -> int:
        """How many outcomes all partitions keep."""
        return await self._entries([self._keys.outcomes(number) for number in range(partitions)])

    async def event_count(self, partitions: int) -> int:
        """How many events all logs hold."""
        return await self._entries([self._keys.log(number) for number in range(partitions)])

    async def _entries(self, keys: list[str]) -> int:
        return sum([await reply for reply in [self._control.call("XLEN", key) for key in keys]])
