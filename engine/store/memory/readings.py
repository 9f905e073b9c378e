"""How far generations have read the logs, and what is wrong with that, on a server in memory."""

from collections.abc import Mapping, Sequence

from engine.core.codec import came_ms, logged
from engine.core.errors import Fenced, Refused, Torn
from engine.core.ids import stream_order
from engine.core.parking import read_note, waiting_from
from engine.core.records import LeaseState
from engine.core.standing import Group, Reading
from engine.store.keys import Keys, parked_of, place_of
from engine.store.memory.keyspace import Keyspace, Stream
from engine.store.memory.ownership import is_held
from engine.store.memory.server import Link
from engine.store.ownership import FIELDS, lease_of


class MemoryReadings:
    """How far generations have read the logs."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def look(
        self,
        projection: str,
        generation: int | None,
        partitions: Sequence[int],
        *,
        closely: bool = False,
    ) -> list[Reading]:
        """A generation in some partitions, each at one moment."""
        data = await self._link.turn()
        return [self._tried(data, projection, generation, p, closely) for p in partitions]

    def _tried(
        self, data: Keyspace, projection: str, generation: int | None, partition: int,
        closely: bool,  # noqa: FBT001
    ) -> Reading:  # fmt: skip
        try:
            return self._look(data, projection, generation, partition, closely)
        except (Refused, ValueError, Torn) as error:
            return Reading(partition, LeaseState("", "", 0), fault=str(error))

    def _look(
        self, data: Keyspace, projection: str, generation: int | None, partition: int,
        closely: bool,  # noqa: FBT001
    ) -> Reading:  # fmt: skip
        keys = self._keys
        head = int(data.hash(keys.head(partition)).get("position", 0))
        held = data.hash(place_of(keys, partition, projection, generation))
        position, log = int(held.get("position", 0)), data.stream(keys.log(partition))
        notes = data.hash(parked_of(keys, partition, projection, generation)).items()
        parked = {name: read_note(note).position for name, note in notes if " " not in name}
        lease = [held[name].encode() if name in held else None for name in FIELDS]
        above = log.after(f"{position}-0", 1) if head > position else []
        reading = Reading(
            partition, lease_of(lease, self._link.server.now_ms()), position, head,
            stream_order(above[0].id)[0] if above else 0,
            came_ms(above[0].fields[b"meta"]) if above else 0, parked,
        )  # fmt: skip
        if not closely:
            return reading
        group = _group(log, log.groups.get(f"{projection}@{generation}"))
        return self._counted(data, log, reading._replace(group=group))

    def _counted(self, data: Keyspace, log: Stream, reading: Reading) -> Reading:
        passed, since = 0, list[int]()
        for aggregate, at in reading.parked.items():
            [entry] = log.after(f"{at - 1}-0", 1)
            events = data.stream(self._keys.events(reading.partition, aggregate)).entries
            passed += waiting_from(logged(entry), len(events))
            since.append(came_ms(entry.fields[b"meta"]))
        return reading._replace(passed_over=passed, passed_ms=min(since, default=0))


class MemoryAlarms:
    """What is wrong with projections, as whoever watches has noted it."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def read(self) -> dict[str, str]:
        """All that is noted."""
        return dict((await self._link.turn()).hash(self._keys.alarms()))

    async def note(self, token: str, alarms: Mapping[str, str]) -> None:
        """Note alarms, empty for those that go, as the one who watches; raises `Fenced`."""
        data = await self._link.turn()
        if not is_held(data, self._keys.watch(), token):
            raise Fenced("somebody else watches")
        key = self._keys.alarms()
        data.put(key, {about: text for about, text in alarms.items() if text})
        data.drop(key, [about for about, text in alarms.items() if not text])


def _group(log: Stream, at: str | None) -> Group | None:
    return None if at is None else Group(stream_order(at)[0], len(log.after(at)), 0)
