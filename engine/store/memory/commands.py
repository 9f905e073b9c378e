"""Commands on their way in: the inbox, and what moves its entries to their partitions."""

from collections.abc import Mapping, Sequence

from engine.core.errors import Fenced, Refused
from engine.core.ids import stream_order
from engine.core.records import Mended
from engine.store import commands as stored
from engine.store.keys import Keys
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.mending import mend
from engine.store.memory.ownership import is_held
from engine.store.memory.server import Link, MemoryServer


class MemoryInbox:
    """The inbox, for the holder of its lease."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def last_forwarded(self) -> str:
        """The inbox id up to which ``forwarded`` reaches."""
        data = await self._link.turn()
        return data.stream(self._keys.forwarded()).ends_at() or "0-0"

    async def submit(
        self, partition: int, expected: str, mark: str, entries: Sequence[Mapping[str, bytes]]
    ) -> tuple[str, list[str]]:
        """Add entries to a partition and move the inbox's mark there, in one step.

        When the mark is ``expected``: returns ``mark`` and the new entries' ids. Else
        nothing is written: returns the mark found, and no ids.
        """
        data = await self._link.turn()
        source = stored.INBOX_SOURCE
        return submit(
            self._link.server, data, self._keys, partition, source, expected, mark, entries
        )

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    async def reached(self, partitions: int) -> str:
        """The greatest inbox id that stands for a command: noted, or a partition's mark."""
        data = await self._link.turn()
        sources = (data.hash(self._keys.sources(partition)) for partition in range(partitions))
        marks = (found.get(stored.INBOX_SOURCE, "0-0") for found in sources)
        return max(await self.last_forwarded(), *marks, key=stream_order)

    async def mend(self, done: str, token: str) -> Mended:
        """Move entries with an id from the future to the dead letters; see `Ledger.mend`."""
        data = await self._link.turn()
        if not is_held(data, self._keys.inbox_lease(), token):
            raise Fenced("the lease is not ours")
        inbox, dead = self._keys.inbox(), self._keys.inbox_dead()
        return mend(self._link.server, inbox, dead, stored.INBOX_SOURCE, done)

    async def forward(self, moved: Sequence[tuple[str, int, str]], token: str) -> None:
        """Note where inbox entries went (inbox id, partition, entry); trims the inbox."""
        data = await self._link.turn()
        if not is_held(data, self._keys.inbox_lease(), token):
            raise Fenced("the lease is not ours")
        key, inbox = self._keys.forwarded(), data.stream(self._keys.inbox())
        data.stream(key)
        for id, partition, entry in moved:
            note = {b"partition": b"%d" % partition, b"entry": entry.encode()}
            self._link.server.add(key, note, id)
        del data.stream(key).entries[: -stored.FORWARDED_LIMIT]
        inbox.trim(moved[-1][0])
        inbox.entries[:] = [entry for entry in inbox.entries if entry.id != moved[-1][0]]


def command_fields(entry: Mapping[str, bytes]) -> dict[bytes, bytes]:
    """A command's fields as they stand in its stream, always in the same order."""
    return {name.encode(): value for name, value in stored.command_fields(entry)}


def submit(  # noqa: PLR0913 -- what the one way in for commands from inside takes
    server: MemoryServer,
    data: Keyspace,
    keys: Keys,
    partition: int,
    source: str,
    expected: str,
    mark: str,
    entries: Sequence[Mapping[str, bytes]],
) -> tuple[str, list[str]]:
    """Add a source's commands and move its mark, in one step; see lua/submit.lua."""
    sources, commands = keys.sources(partition), keys.commands(partition)
    found = data.hash(sources).get(source, "0-0")
    if found != expected:
        return found, []
    before = len(data.stream(commands).entries)
    try:
        ids = [server.add(commands, command_fields(entry)) for entry in entries]
    except Refused:
        # A hostile id left no room for all.
        del data.stream(commands).entries[before:]
        raise
    data.put(sources, {source: mark})
    return mark, ids
