"""Dead letters and parked aggregates, as operators read them and ask about them."""

from collections.abc import Sequence

from engine.core.parking import Ask, Note, asks_in, notes_in
from engine.core.records import Entry
from engine.store.keys import Keys, parked_of
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
        key = self._keys.inbox_dead() if partition is None else self._keys.dead(partition)
        return data.stream(key).after(after, count)
