"""Dead letters and parked aggregates, as operators read them and ask about them."""

from collections.abc import Sequence

from engine.core.parking import Ask, Note, asks_in, notes_in
from engine.core.records import Entry
from engine.store.commands import COMMAND_FIELDS
from engine.store.keys import Keys, parked_of
from engine.store.memory.commands import command_fields
from engine.store.memory.server import Link


class MemoryParked:
    """Parked aggregates of generations and, without one, of routers; dead letters of commands."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def is_router(self, name: str) -> bool:
        """Whether there is, or was, a router of this name."""
        return bool((await self._link.turn()).hash(self._keys.reaction(0, name)))

    async def counts(
        self, name: str, generation: int | None, partitions: Sequence[int]
    ) -> list[int]:
        """How many aggregates a generation, or a router, has parked in each partition."""
        data = await self._link.turn()
        keys = [parked_of(self._keys, number, name, generation) for number in partitions]
        return [sum(" " not in field for field in data.hash(key)) for key in keys]

    async def notes(
        self, name: str, generation: int | None, partition: int
    ) -> tuple[dict[str, Note], list[Ask]]:
        """Who is parked in a partition, and what is asked about them."""
        data = await self._link.turn()
        fields = data.hash(parked_of(self._keys, partition, name, generation))
        return notes_in(fields), asks_in(fields)

    async def ask(self, name: str, generation: int | None, partition: int, ask: Ask) -> bool:
        """Ask whoever projects a partition; False where the aggregate is not parked there."""
        data = await self._link.turn()
        key = parked_of(self._keys, partition, name, generation)
        if ask.aggregate not in data.hash(key):
            return False
        data.put(key, {ask.field: ask.id})
        return True

    async def letters(self, partition: int | None, after: str, count: int) -> list[Entry]:
        """Dead letters of a partition's commands, or of the inbox, above an id."""
        data = await self._link.turn()
        return data.stream(self._streams(partition)[0]).after(after, count)

    async def revive(self, partition: int | None, letter: str, id: str) -> str:
        """Submit a letter's command again, as one with another id; the letter goes."""
        data = await self._link.turn()
        dead, commands = self._streams(partition)
        found = [each for each in data.stream(dead).entries if each.id == letter]
        if not found:
            return ""
        fields = {name: found[0].fields.get(name.encode(), b"") for name in COMMAND_FIELDS}
        entry = self._link.server.add(commands, command_fields(fields | {"id": id.encode()}))
        data.stream(dead).entries.remove(found[0])
        return entry

    async def drop(self, partition: int | None, letter: str) -> bool:
        """Throw a letter away; False where it is not there (any more)."""
        entries = (await self._link.turn()).stream(self._streams(partition)[0]).entries
        kept = [each for each in entries if each.id != letter]
        is_there = len(kept) < len(entries)
        entries[:] = kept
        return is_there

    def _streams(self, partition: int | None) -> tuple[str, str]:
        """The dead letters, and where their commands came from."""
        if partition is None:
            return self._keys.inbox_dead(), self._keys.inbox()
        return self._keys.dead(partition), self._keys.commands(partition)
