"""The read side, as a projector writes it."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from engine.core.errors import Fenced, Refused
from engine.core.fold import WATERMARK
from engine.core.following import CHANGES_KEPT
from engine.core.ports.reading import NO_NOTES
from engine.core.projection import Index
from engine.core.records import Checkpoint, RowChange
from engine.store.keys import Keys
from engine.store.memory.apply import Place, apply
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.logs import MemoryLogReader, keep_notes, reached_fields
from engine.store.memory.server import Link


class MemoryLog(MemoryLogReader):
    """One partition's log and one generation's checkpoint in it, for its lease's holder."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        link: Link,
        keys: Keys,
        projection: str,
        generation: int,
        indexes: Sequence[Index],
        partition: int,
        token: str,
    ) -> None:
        place = keys.projection(partition, projection, generation)
        parked = keys.parked(partition, projection, generation)
        super().__init__(link, keys, partition, place, parked, token)
        self._group = f"{projection}@{generation}"
        self._changed = keys.changed(partition, projection, generation)
        self._place = Place(
            f"{WATERMARK}{partition}",
            keys.row(projection, generation, ""),
            keys.index(projection, generation, ""),
            indexes,
        )

    async def watermarks(self, rows: Sequence[str]) -> dict[str, int]:
        """The last position of this partition that each row has taken; 0 for none."""
        data, place = await self._link.turn(), self._place
        found = {row: data.hash(place.row_prefix + row) for row in rows}
        return {row: int(fields.get(place.watermark, 0)) for row, fields in found.items()}

    async def seek(self, position: int) -> None:
        """Set the consumer group so that the event after ``position`` is read next."""
        data = await self._link.turn()
        groups = data.stream(self._log).groups
        if self._group not in groups:
            raise Refused(f"NOGROUP {self._log} has no consumer group {self._group}")
        groups[self._group] = f"{position}-0"
        self._link.server.wake(self._log)

    async def apply(
        self,
        built_on: int,
        reached: Checkpoint,
        changes: Sequence[RowChange],
        notes: Mapping[str, str] = NO_NOTES,
    ) -> None:
        """Write rows, indexes, checkpoint and notes in one step; raises `Fenced`."""
        data = await self._link.turn()
        held = data.hash(self._checkpoint)
        if held.get("token") != self._token or held.get("position", "0") != str(built_on):
            raise Fenced("the lease or the checkpoint is not ours")
        data.hash(self._parked)
        rows, groups = apply(data, self._place, changes)
        if rows:
            self._tell(data, reached.position, rows, groups)
        keep_notes(data, self._parked, notes)
        data.put(self._checkpoint, reached_fields(reached))

    def _tell(self, data: Keyspace, position: int, rows: list[str], groups: list[str]) -> None:
        """Tell what a step changes; what is in the way there goes."""
        fields = {
            b"after": data.hash(self._checkpoint).get("changed", "0-0").encode(),
            b"rows": msgspec.json.encode(rows), b"groups": msgspec.json.encode(groups),
        }  # fmt: skip
        add = partial(self._link.server.add, self._changed, fields, f"{position}-*")
        try:
            id = add()
        except Refused:
            data.remove(self._changed)
            id = add()
        data.stream(self._changed).trim(f"{max(0, position - CHANGES_KEPT)}-0")
        data.put(self._checkpoint, {"changed": id})
