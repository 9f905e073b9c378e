"""Where the occurrences of recurring schedules go: into their partitions, with their mark."""

from collections.abc import Mapping

import anyio

from engine.store.clock import now_ms
from engine.store.commands import submission_of
from engine.store.connection import Connection
from engine.store.keys import Keys
from engine.store.scripts import Scripts


class RedisOccurrences:
    """Submits commands of schedules."""

    def __init__(self, control: Connection, scripts: Scripts, keys: Keys) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys

    async def mark(self, partition: int, source: str) -> str:
        """The mark of a source at a partition, ``0-0`` where it has submitted nothing."""
        found = await self._control.call("HGET", self._keys.sources(partition), source)
        return found.decode() if found else "0-0"

    async def submit(
        self,
        partition: int,
        source: str,
        expected: str,
        mark: str,
        command: Mapping[str, bytes] | None,
    ) -> str:
        """Add a command, if there is one, and move the mark, in one step; the mark then."""
        commands = [] if command is None else [command]
        call = submission_of(self._keys, partition, source, expected, mark, commands)
        found, *_ = await self._scripts.call("submit", *call)
        return str(found.decode())

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await anyio.sleep(seconds)
