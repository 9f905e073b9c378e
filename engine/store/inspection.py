"""What operators and tools read: streams as they stand, and who owns what."""

from typing import Any

import msgspec

from engine.core.codec import logged
from engine.core.records import LeaseState, LoggedEvent, StoredEvent
from engine.core.routing import partition_of
from engine.store.connection import Connection
from engine.store.feed import entries_of
from engine.store.keys import Keys

BACKLOG_LIMIT = 1000
"""Waiting commands that are counted one by one; beyond, it is "at least"."""


class PartitionState(msgspec.Struct):
    """One partition as it stands; ``waiting`` counts up to `BACKLOG_LIMIT` + 1."""

    partition: int
    owner: str
    lease_ms: int
    commit: int
    position: int
    waiting: int


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
        """Who owns a partition, how far it is and what waits."""
        head = self._control.call(
            "HMGET", self._keys.head(partition), "commit", "command", "position"
        )
        lease = self.lease(self._keys.lease(partition))
        commit, command, position = await head
        start = f"({command.decode()}" if command else "-"
        waiting = await self._control.call(
            "XRANGE", self._keys.commands(partition), start, "+", "COUNT", BACKLOG_LIMIT + 1
        )
        held = await lease
        return PartitionState(
            partition,
            held.node,
            held.remaining_ms,
            int(commit or 0),
            int(position or 0),
            len(waiting),
        )

    async def lease(self, key: str) -> LeaseState:
        """Who holds a lease, by Redis's clock; nobody's when it has expired."""
        held = self._control.call("HMGET", key, "node", "token", "until")
        seconds, micros = await self._control.call("TIME")
        node, token, until = await held
        left = int(until or 0) - (int(seconds) * 1000 + int(micros) // 1000)
        if node is None or left <= 0:
            return LeaseState("", "", 0)
        return LeaseState(node.decode(), token.decode(), left)

    async def nodes(self) -> dict[str, dict[str, str]]:
        """What each live process says of itself."""
        names = [
            name.decode() for name in await self._control.call("ZRANGE", self._keys.nodes(), 0, -1)
        ]
        replies = [self._control.call("HGETALL", self._keys.node(name)) for name in names]
        said: dict[str, dict[str, str]] = {}
        for name, reply in zip(names, replies, strict=True):
            flat: list[Any] = [part.decode() for part in await reply]
            if flat:
                said[name] = dict(zip(flat[::2], flat[1::2], strict=True))
        return said

    async def outcome_count(self, partitions: int) -> int:
        """How many outcomes all partitions keep."""
        return await self._entries([self._keys.outcomes(number) for number in range(partitions)])

    async def event_count(self, partitions: int) -> int:
        """How many events all logs hold."""
        return await self._entries([self._keys.log(number) for number in range(partitions)])

    async def _entries(self, keys: list[str]) -> int:
        return sum([await reply for reply in [self._control.call("XLEN", key) for key in keys]])
