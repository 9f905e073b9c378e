"""Where the occurrences of recurring schedules go: into their partitions, with their mark."""

from collections.abc import Mapping

import anyio

from engine.store.keys import Keys
from engine.store.memory.commands import command_fields
from engine.store.memory.server import CLOCK, Link


class MemoryOccurrences:
    """Submits commands of schedules."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def mark(self, partition: int, source: str) -> str:
        """The mark of a source at a partition, ``0-0`` where it has submitted nothing."""
        data = await self._link.turn()
        return data.hash(self._keys.sources(partition)).get(source, "0-0")

    async def submit(
        self,
        partition: int,
        source: str,
        expected: str,
        mark: str,
        command: Mapping[str, bytes] | None,
    ) -> str:
        """Add a command, if there is one, and move the mark, in one step; the mark then."""
        data = await self._link.turn()
        sources, commands = self._keys.sources(partition), self._keys.commands(partition)
        found = data.hash(sources).get(source, "0-0")
        if found != expected:
            return found
        data.stream(commands)
        if command is not None:
            self._link.server.add(commands, command_fields(command))
        data.put(sources, {source: mark})
        return mark

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    async def sleep(self, seconds: float) -> None:
        """Let time pass, or the clock be wound."""
        with anyio.move_on_after(seconds):
            await self._link.server.arrival(CLOCK).wait()
