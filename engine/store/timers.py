"""One partition's timers: set and cancelled by commits, made commands when they are due."""

import re
from collections.abc import Iterable, Sequence

import anyio
import msgspec

from engine.core.firing import (
    FiredSome,
    Timer,
    TimerCount,
    TimerSeen,
    TimerWrite,
    seen_of,
    timer_key,
)
from engine.store.clock import now_ms
from engine.store.connection import Argument, Connection
from engine.store.keys import Keys
from engine.store.scripts import Scripts

_PAGE = 1000
"""Timers in one page of a look at all of a partition: a millisecond of Redis's time."""


class RedisTimers:
    """The timers of a partition, for the one who holds its lease under ``token``."""

    def __init__(
        self, control: Connection, scripts: Scripts, keys: Keys, partition: int, token: str
    ) -> None:
        self._control, self._scripts, self._token = control, scripts, token
        self._timers, self._timer = keys.timers(partition), keys.timer(partition)
        self._fire = [keys.lease(partition), self._timers, self._timer, keys.commands(partition)]

    async def fire(self, count: int) -> FiredSome:
        """Make commands of up to ``count`` timers that are due; raises `Fenced`."""
        now, due, left, late, damaged = await self._scripts.call(
            "fire", self._fire, [self._token, count]
        )
        keys = [key.decode(errors="replace") for key in damaged]
        return FiredSome(now, left, late, keys, int(due) if due else None)

    async def fired(self, keys: Sequence[str]) -> list[Timer | None]:
        """The timers that stand and have fired, of these; None where there is none such."""
        waiting = self._control.call("ZMSCORE", self._timers, *keys)
        found = self._control.call("HMGET", self._timer, *keys)
        due, values = await waiting, await found
        return [
            timer_of(value) if at is None else None for at, value in zip(due, values, strict=True)
        ]

    async def sleep(self, seconds: float | None) -> None:
        """Let time pass; None: until somebody cancels it."""
        await (anyio.sleep_forever() if seconds is None else anyio.sleep(seconds))


class RedisTimerLook:
    """Timers for those who look on: changes nothing and owns nothing."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self._keys = control, keys

    async def first(self, partition: int, count: int) -> list[TimerSeen]:
        """The timers of a partition that are due first."""
        waiting = await self._control.call(
            "ZRANGE", self._keys.timers(partition), 0, count - 1, "WITHSCORES"
        )
        due = {key: float(at) for key, at in zip(waiting[::2], waiting[1::2], strict=True)}
        if not due:
            return []
        values = await self._control.call("HMGET", self._keys.timer(partition), *due)
        return [
            seen_of(key.decode(errors="replace"), at, timer_of(value))
            for (key, at), value in zip(due.items(), values, strict=True)
        ]

    async def of(self, partition: int, aggregate: str) -> list[TimerSeen]:
        """An aggregate's timers, those that are due first before others, fired ones too."""
        pattern = re.sub(r"([*?\[\]\\^-])", r"\\\1", timer_key(aggregate, "")) + "*"
        cursor, found = b"0", dict[bytes, bytes]()
        while True:
            cursor, page = await self._control.call(
                "HSCAN", self._keys.timer(partition), cursor, "MATCH", pattern, "COUNT", _PAGE
            )
            found |= zip(page[::2], page[1::2], strict=True)
            if cursor == b"0":
                break
        if not found:
            return []
        due = await self._control.call("ZMSCORE", self._keys.timers(partition), *found)
        seen = [
            seen_of(key.decode(), None if at is None else float(at), timer_of(value))
            for (key, value), at in zip(found.items(), due, strict=True)
        ]
        return sorted(seen, key=lambda each: (each.at, each.name))

    async def counts(self, partitions: int) -> list[TimerCount]:
        """How many timers each partition has, by Redis's clock."""
        now = await now_ms(self._control)
        sent = [
            (self._control.call("ZCARD", key), self._control.call("ZCOUNT", key, "-inf", now),
             self._control.call("ZRANGE", key, 0, 0, "WITHSCORES"))
            for key in map(self._keys.timers, range(partitions))
        ]  # fmt: skip
        found = [(await left, await due, await first) for left, due, first in sent]
        return [
            TimerCount(left, due, int(float(first[1])) if first else None)
            for left, due, first in found
        ]


def timer_arguments(writes: Iterable[TimerWrite]) -> Iterable[Argument]:
    """What a commit does to timers, as ``shared/timers.lua`` reads it."""
    for write in writes:
        if write.timer is None:
            yield from (write.key, "", write.number)
        else:
            yield from (write.key, write.timer.at, msgspec.json.encode(write.timer))


def timer_of(value: bytes | None) -> Timer | None:
    """A timer as it is kept; None where there is none, or none that can be read."""
    try:
        return None if value is None else msgspec.json.decode(value, type=Timer)
    except msgspec.DecodeError:
        return None
