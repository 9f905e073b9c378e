"""The read side, as a projector writes it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.branches import Branch
from engine.core.records import Checkpoint, LoggedEvent, RowChange

NO_NOTES: Mapping[str, str] = {}
"""What a step has to say of parked aggregates, nearly always."""


class LogReader(Protocol):
    """One partition's log and how far one reader has come in it, for its lease's holder."""

    async def checkpoint(self) -> Checkpoint:
        """How far this reader has come."""

    async def head_position(self) -> int:
        """How far the log reaches."""

    async def event_at(self, position: int) -> LoggedEvent | None:
        """One event of the log."""

    async def events_after(self, position: int, count: int) -> list[LoggedEvent]:
        """The next events of the log, up to ``count``."""

    async def parked(self) -> dict[str, str]:
        """The notes on parked aggregates, and what is asked about them, by field."""

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""

    async def branches(self) -> Sequence[Branch]:
        """The servers that the log was written on, the last one last."""

    async def suspect(self, what: str) -> int:
        """Note which event is about to be tried; answers how many workers died at it."""

    async def acquit(self) -> None:
        """Forget crashes and suspects: what they were about is behind."""


class Log(LogReader, Protocol):
    """One partition's log and one generation's checkpoint in it, for its lease's holder."""

    async def watermarks(self, rows: Sequence[str]) -> dict[str, int]:
        """The last position of this partition that each row has taken; 0 for none."""

    async def seek(self, position: int) -> None:
        """Set the consumer group so that the event after ``position`` is read next."""

    async def apply(
        self,
        built_on: int,
        reached: Checkpoint,
        changes: Sequence[RowChange],
        notes: Mapping[str, str] = NO_NOTES,
    ) -> None:
        """Write rows, indexes, checkpoint and notes in one step; raises `Fenced` or `Torn`.

        What changes is told in the same step (`engine.core.following`). ``notes`` are fields
        about parked aggregates, empty for those that go.
        """
