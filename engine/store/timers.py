"""One partition's timers: set and cancelled by commits, made commands when they are due."""

from collections.abc import Iterable, Sequence

import anyio
import msgspec

from engine.core.firing import FiredSome, Timer, TimerWrite
from engine.store.connection import Argument, Connection
from engine.store.keys import Keys
from engine.store.scripts import Scripts


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
        now, due, late, damaged = await self._scripts.call("fire", self._fire, [self._token, count])
        keys = [key.decode(errors="replace") for key in damaged]
        return FiredSome(now, late, keys, int(due) if due else None)

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
