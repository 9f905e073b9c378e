"""What operators and tools read: streams as they stand."""

from engine.core.codec import logged
from engine.core.records import LoggedEvent, StoredEvent
from engine.core.routing import partition_of
from engine.store.entries import stored
from engine.store.inspection import BACKLOG_LIMIT, PartitionState
from engine.store.keys import Keys
from engine.store.memory.server import Link


class MemoryInspection:
    """Reads that change nothing and own nothing."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def events(
        self, aggregate: str, partitions: int, after: int = 0, count: int = 1000
    ) -> list[StoredEvent]:
        """An aggregate's events above a version."""
        data = await self._link.turn()
        key = self._keys.events(partition_of(aggregate, partitions), aggregate)
        return [stored(entry) for entry in data.stream(key).after(f"{after}-0", count)]

    async def log(self, partition: int, after: int = 0, count: int = 1000) -> list[LoggedEvent]:
        """A partition's events above a position."""
        data = await self._link.turn()
        found = data.stream(self._keys.log(partition)).after(f"{after}-0", count)
        return [logged(entry) for entry in found]

    async def partition(self, partition: int) -> PartitionState:
        """How far a partition is, and what waits."""
        data = await self._link.turn()
        head = data.hash(self._keys.head(partition))
        commands = data.stream(self._keys.commands(partition))
        waiting = commands.after(head.get("command", "0-0"), BACKLOG_LIMIT + 1)
        commit, position = int(head.get("commit", 0)), int(head.get("position", 0))
        oldest = waiting[0].id if waiting else ""
        deferred = len(data.hash(self._keys.waiting(partition)))
        return PartitionState(partition, commit, position, len(waiting), oldest, deferred)

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    async def outcomes(self, partition: int) -> int:
        """How many outcomes a partition keeps."""
        data = await self._link.turn()
        return len(data.stream(self._keys.outcomes(partition)).entries)

    async def ping(self) -> None:
        """Make sure that the server answers."""
        await self._link.turn()
