"""Streams of commands and of their outcomes, as those see them who look on."""

from engine.core.records import Entry
from engine.store.connection import Connection
from engine.store.entries import entries_of


class RedisStreamLook:
    """See `engine.core.ports.StreamLook`."""

    def __init__(self, control: Connection) -> None:
        self._control = control

    async def between(self, key: str, low: str, high: str, count: int) -> list[Entry]:
        """The first entries of a stream from one id to another, both included."""
        return entries_of(await self._control.call("XRANGE", key, low, high, "COUNT", count))

    async def latest(self, key: str, low: str, high: str, count: int) -> list[Entry]:
        """The last ones, the newest first; ``+`` is its end."""
        return entries_of(await self._control.call("XREVRANGE", key, high, low, "COUNT", count))
