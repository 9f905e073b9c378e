"""Streams of commands and of their outcomes, as those see them who look on."""

from engine.core.ids import stream_order
from engine.core.records import Entry
from engine.store.memory.server import Link


class MemoryStreamLook:
    """See `engine.core.ports.StreamLook`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def between(self, key: str, low: str, high: str, count: int) -> list[Entry]:
        """The first entries of a stream from one id to another, both included."""
        return (await self._within(key, low, high))[:count]

    async def latest(self, key: str, low: str, high: str, count: int) -> list[Entry]:
        """The last ones, the newest first; ``+`` is its end."""
        return (await self._within(key, low, high))[::-1][:count]

    async def _within(self, key: str, low: str, high: str) -> list[Entry]:
        entries = (await self._link.turn()).stream(key).entries
        first = (0, 0) if low == "-" else stream_order(low)
        return [
            entry
            for entry in entries
            if stream_order(entry.id) >= first
            and (high == "+" or stream_order(entry.id) <= stream_order(high))
        ]
