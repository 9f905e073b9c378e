"""A projection: how events become rows, and the operations that say so.

A handler yields operations on rows; the engine gives each the position of its event, and
a row remembers per partition the last position applied to it. So an operation has its
effect once, however often its event is delivered.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Generic, TypeAlias, TypeVar, dataclass_transform

import msgspec

Scalar: TypeAlias = str | int | bool | Decimal | datetime | Enum | None

Item: TypeAlias = str | int | bool | Decimal | datetime | Enum | msgspec.Struct
"""What a list in a row holds: one kind of scalar, or small structs whose fields are scalars."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a read model: scalar fields, each stored as text in a Redis hash.

    A field with a default may be missing from the hash; ``id``, if declared, is the row's.
    A field declared as ``tuple[Item, ...]`` is a list that is appended to, empty at first.
    """


AnyRow = TypeVar("AnyRow", bound=Row)


@dataclass(frozen=True)
class Put:
    """Set fields of a row, creating it; None removes a field."""

    row: str
    fields: dict[str, Scalar]


@dataclass(frozen=True)
class Add:
    """Add to numeric fields of a row, creating it: the one way for many writers."""

    row: str
    amounts: dict[str, int | Decimal]


@dataclass(frozen=True)
class Append:
    """Append to lists of a row, creating it; each keeps its last ``limit`` items."""

    row: str
    limit: int
    items: dict[str, Item]


@dataclass(frozen=True)
class Delete:
    """Remove a row; a tombstone keeps its watermarks."""

    row: str


Operation: TypeAlias = Put | Add | Append | Delete


def put(row: str, /, **fields: Scalar) -> Put:
    """Set fields of the row with this id; the events of one aggregate own each field."""
    return Put(row, fields)


def add(row: str, /, **amounts: int | Decimal) -> Add:
    """Add to fields of the row with this id; events of any aggregate may."""
    return Add(row, amounts)


def append(row: str, /, *, limit: int, **items: Item) -> Append:
    """Append an item to lists of the row with this id; each keeps its last ``limit`` items.

    The events of one aggregate own each list, as they do a field that is put: then its items
    stand in the order in which things happened. ``limit`` is 100 at most; what there may be
    more of is rows of their own, in an index. To empty a list, put None.
    """
    return Append(row, limit, items)


def delete(row: str, /) -> Delete:
    """Remove the row with this id; only events of the aggregate that writes its fields may."""
    return Delete(row)


@dataclass(frozen=True)
class Index:
    """Rows in groups of equal ``group`` fields, in order of the field ``order``.

    A row that lacks one of the group's fields is in no group. ``order`` is a number or a
    time; rows that are equal in it stand in order of their ids.
    """

    name: str
    group: tuple[str, ...]
    order: str


@dataclass(frozen=True, kw_only=True)
class Projection(Generic[AnyRow]):
    """A read model: its rows' type, its indexes and one handler per event.

    A handler is ``(event)`` or ``(event, context: EventContext)`` and yields operations;
    the annotation of its first parameter says which events it takes, a union for several.
    It reads nothing and keeps nothing: its operations follow from the event alone.
    """

    name: str
    row: type[AnyRow]
    on: Sequence[Callable[..., Iterable[Operation]]]
    indexes: Sequence[Index] = field(default=())

    @cached_property
    def ranked(self) -> Mapping[str, Sequence[str]]:
        """By each field that is an order, the names of the indexes that it orders."""
        by_field: dict[str, list[str]] = {}
        for index in self.indexes:
            by_field.setdefault(index.order, []).append(index.name)
        return by_field
