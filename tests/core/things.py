"""A projection whose rows have a field of every type."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec

from engine.core.changes import changes_of
from engine.core.projection import Index, Operation, Projection, Row
from engine.core.records import RowChange

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NOON_MS = "1769860800000"


class Colour(StrEnum):
    """An enumeration of texts."""

    RED = "red"


class Size(IntEnum):
    """An enumeration of numbers."""

    BIG = 3


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """An item of a list that says several things."""

    by: str
    at: datetime
    amount: Decimal | None = None
    sure: bool = True


class Thing(Row):
    """A row with a field of every type."""

    id: str
    amounts: tuple[Decimal, ...]
    times: tuple[datetime, ...]
    name: str | None = None
    count: int = 0
    amount: Decimal = Decimal(0)
    at: datetime | None = None
    done: bool = False
    colour: Colour | None = None
    size: Size | None = None
    words: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    colours: tuple[Colour, ...] = ()
    marks: tuple[Mark, ...] = ()


things = Projection(
    name="things",
    row=Thing,
    on=[],
    indexes=[
        Index("by_name", ("name",), order="at"),
        Index("by_colour", ("colour",), order="at"),
        Index("by_count", ("name",), order="count"),
    ],
)


def changes(*operations: Operation) -> list[RowChange]:
    """What one event's operations come to."""
    return changes_of(things, 7, operations)


def change(row: str, **parts: object) -> RowChange:
    """One change at position 7."""
    nothing: dict[str, object] = {"wipe": False, "put": [], "add": [], "drop": [], "ranks": {}}
    return RowChange(row=row, position=7, **(nothing | parts))  # type: ignore[arg-type]
