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
        key = self._keys.inbox_dead() if partition is None else self._keys.dead(partition)
        raw = await self._control.call("XRANGE", key, f"({after}", "+", "COUNT", count)
        return entries_of(raw)
