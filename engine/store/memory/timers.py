"""One partition's timers: set and cancelled by commits, made commands when they are due."""

from collections.abc import Iterable, Mapping, Sequence

import anyio
import msgspec

from engine.core.errors import Fenced, Refused
from engine.core.firing import (
    FiredSome,
    Timer,
    TimerCount,
    TimerSeen,
    TimerWrite,
    seen_of,
    timer_key,
)
from engine.store.commands import COMMAND_FIELDS
from engine.store.keys import Keys
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.ownership import is_held
from engine.store.memory.server import CLOCK, Link
from engine.store.timers import timer_of


class MemoryTimers:
    """The timers of a partition, for the one who holds its lease under ``token``."""

    def __init__(self, link: Link, keys: Keys, partition: int, token: str) -> None:
        self._link, self._token = link, token
        self._lease, self._commands = keys.lease(partition), keys.commands(partition)
        self._timers, self._timer = keys.timers(partition), keys.timer(partition)

    async def fire(self, count: int) -> FiredSome:
        """Make commands of up to ``count`` timers that are due; raises `Fenced`."""
        data = await self._link.turn()
        if not is_held(data, self._lease, self._token):
            raise Fenced("the lease is not ours")
        now, ranking = self._link.server.now_ms(), data.ranking(self._timers)
        known, _ = data.hash(self._timer), data.stream(self._commands)
        late: list[int] = []
        damaged: list[str] = []
        for key in [key for key in ranking.ordered() if ranking[key] <= now][:count]:
            timer = timer_of(known[key].encode()) if key in known else None
            if timer is None:
                damaged.append(key)
            else:
                try:
                    self._link.server.add(self._commands, _fields(timer))
                except Refused:
                    if late or damaged:
                        break
                    raise
                late.append(now - int(ranking[key]))
            del ranking[key]
        data.keep(self._timers, ranking)
        first = int(min(ranking.values())) if ranking else None
        return FiredSome(now, len(ranking), late, damaged, first)

    async def fired(self, keys: Sequence[str]) -> list[Timer | None]:
        """The timers that stand and have fired, of these; None where there is none such."""
        data = await self._link.turn()
        waiting, known = data.ranking(self._timers), data.hash(self._timer)
        return [
            timer_of(known[key].encode()) if key in known and key not in waiting else None
            for key in keys
        ]

    async def sleep(self, seconds: float | None) -> None:
        """Let time pass, or the clock be wound; None: until somebody cancels it."""
        with anyio.move_on_after(seconds):
            await self._link.server.arrival(CLOCK).wait()

    def check(self, data: Keyspace) -> None:
        """Ask everything that could fail before the first write."""
        data.ranking(self._timers)
        data.hash(self._timer)

    def write(self, data: Keyspace, writes: Iterable[TimerWrite]) -> None:
        """Write what a commit does to timers, in order; see lua/shared/timers.lua."""
        for key, timer, number in writes:
            ranking, known = data.ranking(self._timers), data.hash(self._timer)
            if timer is not None:
                ranking[key] = float(timer.at)
                known[key] = msgspec.json.encode(timer).decode()
            elif not number:
                ranking.pop(key, None)
                known.pop(key, None)
            elif key not in ranking and key in known:
                standing = timer_of(known[key].encode())
                if standing is not None and standing.number == number:
                    del known[key]
            data.keep(self._timers, ranking)
            data.keep(self._timer, known)


class MemoryTimerLook:
    """Timers for those who look on: changes nothing and owns nothing."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def first(self, partition: int, count: int) -> list[TimerSeen]:
        """The timers of a partition that are due first."""
        data = await self._link.turn()
        waiting = data.ranking(self._keys.timers(partition))
        known = data.hash(self._keys.timer(partition))
        return [_seen(key, waiting, known) for key in waiting.ordered()[:count]]

    async def of(self, partition: int, aggregate: str) -> list[TimerSeen]:
        """An aggregate's timers, those that are due first before others, fired ones too."""
        data = await self._link.turn()
        waiting = data.ranking(self._keys.timers(partition))
        known = data.hash(self._keys.timer(partition))
        prefix = timer_key(aggregate, "")
        seen = [_seen(key, waiting, known) for key in known if key.startswith(prefix)]
        return sorted(seen, key=lambda each: (each.at, each.name))

    async def counts(self, partitions: int) -> list[TimerCount]:
        """How many timers each partition has, by the server's clock."""
        data, now = await self._link.turn(), self._link.server.now_ms()
        every = [data.ranking(self._keys.timers(number)).values() for number in range(partitions)]
        return [
            TimerCount(len(due), sum(at <= now for at in due), int(min(due)) if due else None)
            for due in every
        ]


def _seen(key: str, waiting: Mapping[str, float], known: Mapping[str, str]) -> TimerSeen:
    return seen_of(key, waiting.get(key), timer_of(known.get(key, "").encode()))


def _fields(timer: Timer) -> dict[bytes, bytes]:
    return {name.encode(): getattr(timer, name).encode() for name in COMMAND_FIELDS}
