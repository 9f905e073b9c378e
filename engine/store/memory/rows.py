"""The read side, as a projector writes it."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from engine.core.branches import Branch
from engine.core.codec import branch_of, logged
from engine.core.errors import Fenced, Refused
from engine.core.fold import WATERMARK
from engine.core.following import CHANGES_KEPT
from engine.core.ports.reading import NO_NOTES
from engine.core.projection import Index
from engine.core.records import Checkpoint, LoggedEvent, RowChange
from engine.store.keys import Keys
from engine.store.memory.apply import Place, apply
from engine.store.memory.keyspace import Hash, Keyspace
from engine.store.memory.ownership import Tried
from engine.store.memory.server import Link


class MemoryLog:
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
        self._link, self._keys = link, keys
        self._partition, self._token = partition, token
        self._group = f"{projection}@{generation}"
        self._log = keys.log(partition)
        self._checkpoint = keys.projection(partition, projection, generation)
        self._parked = keys.parked(partition, projection, generation)
        self._changed = keys.changed(partition, projection, generation)
        self._place = Place(
            f"{WATERMARK}{partition}",
            keys.row(projection, generation, ""),
            keys.index(projection, generation, ""),
            indexes,
        )
        tried = Tried(link, self._checkpoint, token)
        self.suspect, self.acquit = tried.suspect, tried.acquit

    async def checkpoint(self) -> Checkpoint:
        """How far this generation has come."""
        return read_checkpoint(await self._link.turn(), self._checkpoint)

    async def head_position(self) -> int:
        """How far the log reaches."""
        data = await self._link.turn()
        return int(data.hash(self._keys.head(self._partition)).get("position", 0))

    async def event_at(self, position: int) -> LoggedEvent | None:
        """One event of the log."""
        return read_event(await self._link.turn(), self._log, position)

    async def events_after(self, position: int, count: int) -> list[LoggedEvent]:
        """The next events of the log, up to ``count``."""
        data = await self._link.turn()
        return [logged(entry) for entry in data.stream(self._log).after(f"{position}-0", count)]

    async def watermarks(self, rows: Sequence[str]) -> dict[str, int]:
        """The last position of this partition that each row has taken; 0 for none."""
        data, place = await self._link.turn(), self._place
        found = {row: data.hash(place.row_prefix + row) for row in rows}
        return {row: int(fields.get(place.watermark, 0)) for row, fields in found.items()}

    async def parked(self) -> dict[str, str]:
        """The notes on parked aggregates, and what is asked about them, by field."""
        return dict((await self._link.turn()).hash(self._parked))

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    async def seek(self, position: int) -> None:
        """Set the consumer group so that the event after ``position`` is read next."""
        data = await self._link.turn()
        groups = data.stream(self._log).groups
        if self._group not in groups:
            raise Refused(f"NOGROUP {self._log} has no consumer group {self._group}")
        groups[self._group] = f"{position}-0"
        self._link.server.wake(self._log)

    async def branches(self) -> list[Branch]:
        """The servers that the log was written on, the last one last."""
        return read_branches(await self._link.turn(), self._keys.branches(self._partition))

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
        parked = Hash(data.hash(self._parked)) if notes else None
        rows, groups = apply(data, self._place, changes)
        if rows:
            self._tell(data, reached.position, rows, groups)
        if parked is not None:
            kept = {name: note for name, note in {**parked, **notes}.items() if note}
            data.keep(self._parked, Hash(kept))
        position, command, branch = reached.position, reached.command, reached.branch
        data.put(
            self._checkpoint, {"position": str(position), "command": command, "branch": branch}
        )

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


def read_checkpoint(data: Keyspace, key: str) -> Checkpoint:
    """A checkpoint; its beginning where nothing has been applied."""
    held = data.hash(key)
    crashes = int(held.get("crashes", 0))
    if "position" not in held:
        return Checkpoint(crashes=crashes)
    return Checkpoint(int(held["position"]), held["command"], held["branch"], crashes)


def read_event(data: Keyspace, log: str, position: int) -> LoggedEvent | None:
    """One event of a log."""
    found = data.stream(log).after(f"{max(1, position) - 1}-0", 1)
    event = logged(found[0]) if found else None
    return event if event and event.position == position else None


def read_branches(data: Keyspace, key: str) -> list[Branch]:
    """The branches of a partition."""
    return [branch_of(entry) for entry in data.stream(key).entries]
