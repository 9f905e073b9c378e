"""Commands on their way in: the inbox, and what moves its entries to their partitions."""

from collections.abc import Mapping, Sequence

from engine.core.ids import CLOCK_LIMIT_MS, stream_order
from engine.core.records import Mended
from engine.store.clock import now_ms
from engine.store.connection import Argument, Connection
from engine.store.keys import Keys
from engine.store.scripts import Scripts

INBOX_SOURCE = "inbox"
"""The inbox's name among a partition's ``sources``."""

COMMANDS_SOURCE = "command"
"""What a partition's commands are called in a dead letter."""

COMMAND_FIELDS = ("id", "type", "aggregate", "data", "meta")
"""An entry of a command stream, in this order: Redis then stores the names once per node."""

DEAD_FIELDS = (
    "source", "entry", "id", "type", "aggregate", "data", "meta", "error", "attempts",
)  # fmt: skip
"""A dead letter, in this order: where it stood, what it was, what was wrong (JSON), how often."""

FORWARDED_LIMIT = 100_000
"""Notes kept of where inbox entries went: enough to look for one of today's."""


class RedisInbox:
    """The inbox, for the holder of its lease."""

    def __init__(self, control: Connection, scripts: Scripts, keys: Keys) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys

    async def last_forwarded(self) -> str:
        """The inbox id up to which ``forwarded`` reaches."""
        last = await self._control.call("XREVRANGE", self._keys.forwarded(), "+", "-", "COUNT", 1)
        return last[0][0].decode() if last else "0-0"

    async def submit(
        self, partition: int, expected: str, mark: str, entries: Sequence[Mapping[str, bytes]]
    ) -> tuple[str, list[str]]:
        """Add entries to a partition and move the inbox's mark there, in one step.

        When the mark is ``expected``: returns ``mark`` and the new entries' ids. Else
        nothing is written: returns the mark found, and no ids.
        """
        call = submission_of(self._keys, partition, INBOX_SOURCE, expected, mark, entries)
        found, *ids = await self._scripts.call("submit", *call)
        return found.decode(), [id.decode() for id in ids]

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    async def reached(self, partitions: int) -> str:
        """The greatest inbox id that stands for a command: noted, or a partition's mark."""
        asked = [
            self._control.call("HGET", self._keys.sources(partition), INBOX_SOURCE)
            for partition in range(partitions)
        ]
        marks = [(await mark or b"0-0").decode() for mark in asked]
        return max(await self.last_forwarded(), *marks, key=stream_order)

    async def mend(self, done: str, token: str) -> Mended:
        """Move entries with an id from the future to the dead letters; see `Ledger.mend`."""
        keys = [self._keys.inbox_lease(), self._keys.inbox(), self._keys.inbox_dead()]
        arguments: list[Argument] = [token, INBOX_SOURCE, done, CLOCK_LIMIT_MS]
        return mended_of(await self._scripts.call("mend", keys, arguments))

    async def forward(self, moved: Sequence[tuple[str, int, str]], token: str) -> None:
        """Note where inbox entries went (inbox id, partition, entry); trims the inbox."""
        keys = [self._keys.inbox_lease(), self._keys.forwarded(), self._keys.inbox()]
        arguments: list[Argument] = [token, FORWARDED_LIMIT]
        for note in moved:
            arguments += note
        await self._scripts.call("forward", keys, arguments)


def command_fields(entry: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """A command's fields in their order; then those that it should not have, for its refusal."""
    strange = [(name, value) for name, value in entry.items() if name not in COMMAND_FIELDS]
    return [(name, entry[name]) for name in COMMAND_FIELDS] + strange


def submission_of(  # noqa: PLR0913 -- what the one way in for commands from inside takes
    keys: Keys,
    partition: int,
    source: str,
    expected: str,
    mark: str,
    entries: Sequence[Mapping[str, bytes]],
) -> tuple[list[str], list[Argument]]:
    """Keys and arguments of ``submit.lua``: a source's commands, and the mark that they move."""
    arguments: list[Argument] = [source, expected, mark]
    for entry in entries:
        fields = [part for field in command_fields(entry) for part in field]
        arguments += (len(fields), *fields)
    return [keys.sources(partition), keys.commands(partition)], arguments


def mended_of(raw: tuple[list[bytes], int, bytes]) -> Mended:
    """What ``mend.lua`` answers."""
    dead, again, last = raw
    return Mended([id.decode() for id in dead], again, last.decode())
