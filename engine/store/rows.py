"""The read side, as a projector writes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.core.fold import WATERMARK
from engine.core.ports.reading import NO_NOTES
from engine.core.projection import Index
from engine.core.records import Checkpoint, RowChange
from engine.store.connection import Argument, Connection
from engine.store.keys import Keys
from engine.store.logs import RedisLogReader
from engine.store.scripts import Scripts


class RedisLog(RedisLogReader):
    """One partition's log and one generation's checkpoint in it, for its lease's holder."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        control: Connection,
        scripts: Scripts,
        keys: Keys,
        projection: str,
        generation: int,
        indexes: Sequence[Index],
        partition: int,
        token: str,
    ) -> None:
        place = keys.projection(partition, projection, generation)
        parked = keys.parked(partition, projection, generation)
        super().__init__(control, scripts, keys, partition, place, parked, token)
        self._group = f"{projection}@{generation}"
        self._changed = keys.changed(partition, projection, generation)
        self._row_prefix = keys.row(projection, generation, "")
        self._fixed: list[Argument] = [
            f"{WATERMARK}{partition}",
            self._row_prefix,
            keys.index(projection, generation, ""),
            msgspec.json.encode([[index.name, index.group, index.order] for index in indexes]),
        ]

    async def watermarks(self, rows: Sequence[str]) -> dict[str, int]:
        """The last position of this partition that each row has taken; 0 for none."""
        replies = [
            self._control.call("HGET", self._row_prefix + row, self._fixed[0]) for row in rows
        ]
        return {row: int(await reply or 0) for row, reply in zip(rows, replies, strict=True)}

    async def seek(self, position: int) -> None:
        """Set the consumer group so that the event after ``position`` is read next."""
        await self._control.call(
            "XGROUP", "SETID", self._log, self._group, f"{position}-0", "ENTRIESREAD", position
        )

    async def apply(
        self,
        built_on: int,
        reached: Checkpoint,
        changes: Sequence[RowChange],
        notes: Mapping[str, str] = NO_NOTES,
    ) -> None:
        """Write rows, indexes, checkpoint and notes in one step; raises `Fenced` or `Torn`."""
        numbers: dict[str, int] = {}
        numbered = [
            _packed(numbers.setdefault(change.row, len(numbers) + 1), change) for change in changes
        ]
        rows = [self._row_prefix + row for row in numbers]
        await self._scripts.call(
            "apply",
            [self._checkpoint, self._parked, self._changed, *rows],
            [
                self._token, built_on, reached.position, reached.command, reached.branch,
                *self._fixed, msgspec.json.encode(numbered),
                *(part for note in notes.items() for part in note),
            ],
        )  # fmt: skip


def _packed(number: int, change: RowChange) -> list[Any]:
    """A change as ``apply.lua`` reads it: what it does not do costs the script nothing."""
    parts = [
        number, change.position, change.put or False, change.add or False, change.ranks or False,
        change.wipe, change.drop or False, change.append or False,
    ]  # fmt: skip
    while parts[-1] is False:
        parts.pop()
    return parts
