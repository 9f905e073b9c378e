"""The read side, as a projector writes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.core.branches import Branch
from engine.core.codec import branch_of, logged
from engine.core.fold import WATERMARK
from engine.core.ports.reading import NO_NOTES
from engine.core.projection import Index
from engine.core.records import Checkpoint, LoggedEvent, RowChange
from engine.store.clock import now_ms
from engine.store.connection import Argument, Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys
from engine.store.scripts import Scripts

CHECKPOINT_FIELDS = ("position", "command", "branch", "crashes")
"""What is looked at of a checkpoint, as `checkpoint_of` takes it."""


class RedisLog:
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
        self._control, self._scripts, self._keys = control, scripts, keys
        self._partition, self._token = partition, token
        self._group = f"{projection}@{generation}"
        self._log = keys.log(partition)
        self._checkpoint = keys.projection(partition, projection, generation)
        self._parked = keys.parked(partition, projection, generation)
        self._changed = keys.changed(partition, projection, generation)
        self._row_prefix = keys.row(projection, generation, "")
        self._fixed: list[Argument] = [
            f"{WATERMARK}{partition}",
            self._row_prefix,
            keys.index(projection, generation, ""),
            msgspec.json.encode([[index.name, index.group, index.order] for index in indexes]),
        ]

    async def checkpoint(self) -> Checkpoint:
        """How far this generation has come."""
        return await read_checkpoint(self._control, self._checkpoint)

    async def head_position(self) -> int:
        """How far the log reaches."""
        position = await self._control.call("HGET", self._keys.head(self._partition), "position")
        return int(position or 0)

    async def event_at(self, position: int) -> LoggedEvent | None:
        """One event of the log."""
        id = f"{position}-0"
        raw = await self._control.call("XRANGE", self._log, id, id)
        return logged(*entries_of(raw)) if raw else None

    async def events_after(self, position: int, count: int) -> list[LoggedEvent]:
        """The next events of the log, up to ``count``."""
        raw = await self._control.call(
            "XRANGE", self._log, f"{position + 1}-0", "+", "COUNT", count
        )
        return [logged(entry) for entry in entries_of(raw)]

    async def watermarks(self, rows: Sequence[str]) -> dict[str, int]:
        """The last position of this partition that each row has taken; 0 for none."""
        replies = [
            self._control.call("HGET", self._row_prefix + row, self._fixed[0]) for row in rows
        ]
        return {row: int(await reply or 0) for row, reply in zip(rows, replies, strict=True)}

    async def parked(self) -> dict[str, str]:
        """The notes on parked aggregates, and what is asked about them, by field."""
        return texts(await self._control.call("HGETALL", self._parked))

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    async def seek(self, position: int) -> None:
        """Set the consumer group so that the event after ``position`` is read next."""
        await self._control.call(
            "XGROUP", "SETID", self._log, self._group, f"{position}-0", "ENTRIESREAD", position
        )

    async def branches(self) -> list[Branch]:
        """The servers that the log was written on, the last one last."""
        return await read_branches(self._control, self._keys.branches(self._partition))

    async def suspect(self, what: str) -> int:
        """Note which event is about to be tried; answers how many workers died at it."""
        return int(await self._scripts.call("suspect", [self._checkpoint], [self._token, what]))

    async def acquit(self) -> None:
        """Forget crashes and suspects: what they were about is behind."""
        await self._scripts.call("acquit", [self._checkpoint], [self._token])

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


async def read_checkpoint(control: Connection, key: str) -> Checkpoint:
    """A checkpoint; its beginning where nothing has been applied."""
    return checkpoint_of(await control.call("HMGET", key, *CHECKPOINT_FIELDS))


def checkpoint_of(fields: Sequence[bytes | None]) -> Checkpoint:
    """A checkpoint as its hash says, by `CHECKPOINT_FIELDS`."""
    position, command, branch, crashes = [(field or b"").decode() for field in fields]
    return Checkpoint(int(position or 0), command, branch, int(crashes or 0))


async def read_branches(control: Connection, key: str) -> list[Branch]:
    """The branches of a partition; servers come and go seldom, so there are few."""
    return [branch_of(entry) for entry in entries_of(await control.call("XRANGE", key, "-", "+"))]


def texts(flat: list[bytes]) -> dict[str, str]:
    """A hash as Redis replies it."""
    parts = [part.decode() for part in flat]
    return dict(zip(parts[::2], parts[1::2], strict=True))
