"""How far generations have read the logs, and what is wrong with that: for those who look on."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.codec import came_ms, logged
from engine.core.errors import Refused, Torn
from engine.core.parking import waiting_from
from engine.core.records import LeaseState
from engine.core.standing import Group, Reading
from engine.store.clock import now_ms
from engine.store.connection import Argument, Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys, parked_of, place_of
from engine.store.logs import texts
from engine.store.ownership import FIELDS, lease_of
from engine.store.scripts import Scripts

PASSED_LIMIT = 100
"""Parked aggregates of a partition whose events are counted: as many as are parked unless set
otherwise, and a bound for what one look may cost."""


class RedisReadings:
    """How far generations have read the logs."""

    def __init__(self, control: Connection, scripts: Scripts, keys: Keys) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys

    async def look(
        self,
        projection: str,
        generation: int | None,
        partitions: Sequence[int],
        *,
        closely: bool = False,
    ) -> list[Reading]:
        """A generation, or a router, in some partitions, each at one moment, in one round trip."""
        keys, group = self._keys, ""
        if closely and generation is not None:
            group = f"{projection}@{generation}"
        calls: list[tuple[list[str], list[Argument]]] = [
            ([keys.head(p), place_of(keys, p, projection, generation),
              parked_of(keys, p, projection, generation), keys.log(p)], [group, *FIELDS])
            for p in partitions
        ]  # fmt: skip
        answers = await self._scripts.try_all("standing", calls)
        now = await now_ms(self._control)
        found = [_reading(p, answer, now) for p, answer in zip(partitions, answers, strict=True)]
        return [await self._counted(r) if closely and r.parked else r for r in found]

    async def _counted(self, reading: Reading) -> Reading:
        """With the events that parked aggregates wait for: from the one that was parked on."""
        keys, number = self._keys, reading.partition
        parked = list(reading.parked.items())[:PASSED_LIMIT]
        replies = [
            (self._control.call("XRANGE", keys.log(number), f"{at}-0", f"{at}-0"),
             self._control.call("XLEN", keys.events(number, aggregate)))
            for aggregate, at in parked
        ]  # fmt: skip
        passed, since = 0, list[int]()
        for event, length in replies:
            for entry in entries_of(await event):
                passed += waiting_from(logged(entry), int(await length))
                since.append(came_ms(entry.fields[b"meta"]))
            await length
        return reading._replace(passed_over=passed, passed_ms=min(since, default=0))


class RedisAlarms:
    """What is wrong with projections, as whoever watches has noted it."""

    def __init__(self, control: Connection, scripts: Scripts, keys: Keys) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys

    async def read(self) -> dict[str, str]:
        """All that is noted."""
        return texts(await self._control.call("HGETALL", self._keys.alarms()))

    async def note(self, token: str, alarms: Mapping[str, str]) -> None:
        """Note alarms, empty for those that go, as the one who watches; raises `Fenced`."""
        flat = [part for pair in alarms.items() for part in pair]
        keys = [self._keys.watch(), self._keys.alarms()]
        await self._scripts.call("alarm", keys, [token, *flat])


def _reading(partition: int, answer: Any, now: int) -> Reading:
    """A script's answer; an error is one partition's, and hides no other."""
    nobody = LeaseState("", "", 0)
    if isinstance(answer, Refused):
        return Reading(partition, nobody, fault=str(answer))
    head, (position, *lease), parked, first, group = answer
    try:
        return Reading(
            partition, lease_of(lease, now), int(position or 0), int(head),
            int(first[0].partition(b"-")[0]) if first else 0,
            came_ms(first[1]) if first else 0,
            {name.decode(): int(at) for name, at in zip(parked[::2], parked[1::2], strict=True)},
            group=_group(dict(zip(group[::2], group[1::2], strict=True))) if group else None,
        )  # fmt: skip
    except (ValueError, Torn) as error:
        return Reading(partition, nobody, fault=str(error))


def _group(fields: Mapping[bytes, Any]) -> Group:
    read, lag = fields.get(b"entries-read"), fields.get(b"lag")
    return Group(
        None if read is None else int(read), None if lag is None else int(lag),
        int(fields[b"pending"]),
    )  # fmt: skip
