"""What `semel verify` reads of timers, page by page, changing nothing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import msgspec

from engine.core.audit.timers import TimerNames, TimerRead
from engine.core.firing import SOURCE
from engine.core.waiting import read_kept
from engine.store.audit import PAGE_LIMIT, at_once, pages
from engine.store.connection import Connection
from engine.store.keys import Keys
from engine.store.timers import timer_of

_LAST = "+"


class RedisTimerAudit:
    """Reads of the timers of a namespace."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self._keys = control, keys

    def names(self, partition: int) -> TimerNames:
        """The keys of a partition's timers."""
        return TimerNames(partition, self._keys.timers(partition), self._keys.timer(partition))

    async def handled(self, partition: int) -> str:
        """The last command that has an outcome."""
        found = await self._control.call("HGET", self._keys.head(partition), "command")
        return found.decode() if found else "0-0"

    async def read(self, partition: int) -> AsyncIterator[list[TimerRead]]:
        """Every timer that either key knows; some come twice."""
        names = self.names(partition)
        for verb, key in (("HSCAN", names.timer), ("ZSCAN", names.timers)):
            async for page in self._scan(verb, key):
                yield await self._read(names, page[::2])

    async def _scan(self, verb: str, key: str) -> AsyncIterator[list[bytes]]:
        """Pages of a hash or a sorted set that hold something."""
        cursor = b"0"
        while True:
            cursor, page = await self._control.call(verb, key, cursor, "COUNT", PAGE_LIMIT)
            if page:
                yield page
            if cursor == b"0":
                return

    async def _read(self, names: TimerNames, keys: Sequence[bytes]) -> list[TimerRead]:
        due, values = await at_once(
            self._control, ["ZMSCORE", names.timers, *keys], ["HMGET", names.timer, *keys]
        )
        found = []
        for key, at, value in zip(keys, due, values, strict=True):
            timer = timer_of(value)
            is_odd = timer is None and value is not None
            score = None if at is None else float(at)
            found.append(TimerRead(key.decode(errors="replace"), score, timer, is_odd))
        return found

    async def sent(self, partition: int, above: str) -> set[str]:
        """The ids of commands that come from timers, above an entry, or that wait."""
        ids: list[bytes] = []
        key = self._keys.commands(partition)
        async for page in pages(self._control, key, above, _LAST, PAGE_LIMIT):
            ids += [entry.fields.get(b"id", b"") for entry in page]
        async for kept in self._scan("HSCAN", self._keys.waiting(partition)):
            for entry, raw in zip(kept[::2], kept[1::2], strict=True):
                with suppress(msgspec.DecodeError):  # its owner stops at it, and says so
                    ids.append(read_kept(entry.decode(), raw)[0].fields.get(b"id", b""))
        prefix = f"{SOURCE}/".encode()
        return {id.decode(errors="replace") for id in ids if id.startswith(prefix)}
