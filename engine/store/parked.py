"""Dead letters and parked aggregates, as operators read them and ask about them."""

from collections.abc import Sequence

from engine.core.parking import Ask, Note, asks_in, notes_in
from engine.core.records import Entry
from engine.store.connection import Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys, parked_of
from engine.store.logs import texts
from engine.store.scripts import Scripts


class RedisParked:
    """Parked aggregates of generations and, without one, of routers; dead letters of commands."""

    def __init__(self, control: Connection, scripts: Scripts, keys: Keys) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys

    async def is_router(self, name: str) -> bool:
        """Whether there is, or was, a router of this name."""
        return bool(await self._control.call("EXISTS", self._keys.reaction(0, name)))

    async def counts(
        self, name: str, generation: int | None, partitions: Sequence[int]
    ) -> list[int]:
        """How many aggregates a generation, or a router, has parked in each partition."""
        replies = [
            self._control.call("HKEYS", parked_of(self._keys, number, name, generation))
            for number in partitions
        ]
        return [sum(b" " not in field for field in await reply) for reply in replies]

    async def notes(
        self, name: str, generation: int | None, partition: int
    ) -> tuple[dict[str, Note], list[Ask]]:
        """Who is parked in a partition, and what is asked about them."""
        key = parked_of(self._keys, partition, name, generation)
        fields = texts(await self._control.call("HGETALL", key))
        return notes_in(fields), asks_in(fields)

    async def ask(self, name: str, generation: int | None, partition: int, ask: Ask) -> bool:
        """Ask whoever projects a partition; False where the aggregate is not parked there."""
        key = parked_of(self._keys, partition, name, generation)
        return bool(await self._scripts.call("ask", [key], [ask.aggregate, ask.field, ask.id]))

    async def letters(self, partition: int | None, after: str, count: int) -> list[Entry]:
        """Dead letters of a partition's commands, or of the inbox, above an id."""
        dead, _ = self._streams(partition)
        raw = await self._control.call("XRANGE", dead, f"({after}", "+", "COUNT", count)
        return entries_of(raw)

    async def revive(self, partition: int | None, letter: str, id: str) -> str:
        """Submit a letter's command again, as one with another id; the letter goes.

        Returns the new entry, empty where the letter is not there (any more).
        """
        entry = await self._scripts.call("revive", [*self._streams(partition)], [letter, id])
        return entry.decode() if entry else ""

    async def drop(self, partition: int | None, letter: str) -> bool:
        """Throw a letter away; False where it is not there (any more)."""
        dead, _ = self._streams(partition)
        return bool(await self._control.call("XDEL", dead, letter))

    def _streams(self, partition: int | None) -> tuple[str, str]:
        """The dead letters, and where their commands came from."""
        if partition is None:
            return self._keys.inbox_dead(), self._keys.inbox()
        return self._keys.dead(partition), self._keys.commands(partition)
