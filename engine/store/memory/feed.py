"""Reading streams as they grow, by position or through a consumer group."""

import anyio

from engine.core.errors import Refused
from engine.core.records import Entry
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.server import Link
from engine.store.reader import AHEAD_LIMIT


class MemorySubscription:
    """One stream of a `MemoryFeed`; nothing is read before it is asked for."""

    def __init__(self, link: Link, key: str, after: str, group: str) -> None:
        self._link, self._key = link, key
        self._after, self._group = after, group
        self._closed = False

    async def take(self, seconds: float | None = None) -> list[Entry] | None:
        """The next entries; none where none has come within so long, None once closed."""
        with anyio.move_on_after(seconds):
            return await self._next()
        return []

    async def _next(self) -> list[Entry] | None:
        while True:
            data = await self._link.turn()
            if self._closed:
                return None
            entries = self._read(data)
            if entries:
                return entries
            await self._link.server.arrival(self._key).wait()

    async def hold(self) -> None:
        """Nothing is under way: whoever takes reads for himself."""

    def rewind(self, after: str) -> None:
        """Go on behind ``after``."""
        self._after = after

    def close(self) -> None:
        """Stop reading; a waiting `take` returns None."""
        self._closed = True
        self._link.server.wake(self._key)

    def _read(self, data: Keyspace) -> list[Entry]:
        stream = data.stream(self._key)
        if not self._group:
            entries = stream.after(self._after, AHEAD_LIMIT)
            self._after = entries[-1].id if entries else self._after
            return entries
        if self._group not in stream.groups:
            raise Refused(f"NOGROUP {self._key} has no consumer group {self._group}")
        entries = stream.after(stream.groups[self._group], AHEAD_LIMIT)
        if entries:
            stream.groups[self._group] = entries[-1].id
        return entries


class MemoryFeed:
    """Streams of one session; with a group, each entry is given out once to all its readers."""

    def __init__(self, link: Link, group: str = "") -> None:
        self._link, self._group = link, group

    def subscribe(self, key: str, after: str) -> MemorySubscription:
        """Read a stream from behind an id on."""
        return MemorySubscription(self._link, key, after, self._group)

    def retire(self) -> None:
        """Nobody subscribes any more."""
