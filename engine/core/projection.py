"""A projection: how events become rows, and the operations that say so.

A handler yields operations on rows; the engine gives each the position of its event, and
a row remembers per partition the last position applied to it. So an operation has its
effect once, however often its event is delivered.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import (
    Any,
    Generic,
    TypeAlias,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from engine.core.errors import Misuse
from engine.core.routing import ID_LENGTH_LIMIT

AMOUNT_DIGITS_LIMIT = 15
"""Digits in one added number; a sum may have 27 (see ``lua/shared/decimal.lua``)."""

Scalar: TypeAlias = str | int | bool | Decimal | datetime | Enum | None


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,)
)
class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a read model: scalar fields, each stored as text in a Redis hash.

    A field with a default may be missing from the hash; ``id``, if declared, is the row's.
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
class Delete:
    """Remove a row; a tombstone keeps its watermarks."""

    row: str


Operation: TypeAlias = Put | Add | Delete


def put(row: str, /, **fields: Scalar) -> Put:
    """Set fields of the row with this id; the events of one aggregate own each field."""
    return Put(row, fields)


def add(row: str, /, **amounts: int | Decimal) -> Add:
    """Add to fields of the row with this id; events of any aggregate may."""
    return Add(row, amounts)


def delete(row: str, /) -> Delete:
    """Remove the row with this id."""
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


class RowChange(msgspec.Struct, array_like=True):
    """All that one event does to one row, as ``apply.lua`` reads it and in its order.

    First ``wipe`` and ``drop``, then ``put`` and ``add``: flat lists of field and value.
    ``ranks`` holds, by index name, the score that a changed ``order`` field gives; ``=``
    where that is the field's own number, after all is added.
    """

    row: str
    position: int
    wipe: bool
    put: list[str]
    add: list[str]
    drop: list[str]
    ranks: dict[str, str]


def changes_of(
    projection: Projection[Any], position: int, operations: Iterable[Operation]
) -> Iterator[RowChange]:
    """One event's operations as changes, one per row; raises `Misuse` for what cannot be."""
    by_row: dict[str, _Drafted] = {}
    for operation in operations:
        row = operation.row
        draft = by_row.get(row)
        if draft is None:
            _check_row_id(row)
            draft = by_row[row] = _Drafted(projection)
        match operation:
            case Put(fields=fields):
                draft.put(fields)
            case Add(amounts=amounts):
                draft.add(amounts)
            case Delete():
                by_row[row] = _Drafted(projection, wipe=True)
    for row, draft in by_row.items():
        yield draft.change(row, position)


class _Drafted:
    """One row's operations so far, each field's reduced to what they come to."""

    def __init__(self, projection: Projection[Any], *, wipe: bool = False) -> None:
        self._projection, self._wipe = projection, wipe
        self._put: dict[str, str] = {}
        self._add: dict[str, int | Decimal] = {}
        self._drop: dict[str, None] = {}
        self._ranks: dict[str, str] = {}

    def put(self, fields: dict[str, Scalar]) -> None:
        """Set fields; what was added to them before does not count any more."""
        for name, value in fields.items():
            _check_field(self._projection, name)
            self._add.pop(name, None)
            if value is None:
                self._put.pop(name, None)
                self._drop[name] = None
                self._rank(name, "0")
            else:
                self._drop.pop(name, None)
                self._put[name] = as_text(value)
                for index in self._projection.indexes:
                    if index.order == name:
                        self._ranks[index.name] = rank_of(value)

    def add(self, amounts: dict[str, int | Decimal]) -> None:
        """Add to fields, each once for all."""
        for name, amount in amounts.items():
            _check_amount(self._projection, name, amount)
            self._add[name] = self._add.get(name, 0) + amount
            _check_amount(self._projection, name, self._add[name])
            self._rank(name, "=")

    def change(self, row: str, position: int) -> RowChange:
        """What has come together."""
        put = [text for pair in self._put.items() for text in pair]
        add = [text for name, amount in self._add.items() for text in (name, as_text(amount))]
        return RowChange(row, position, self._wipe, put, add, list(self._drop), self._ranks)

    def _rank(self, name: str, rank: str) -> None:
        for index in self._projection.indexes:
            if index.order == name:
                self._ranks[index.name] = rank


def _check_amount(projection: Projection[Any], name: str, amount: Any) -> None:
    _check_field(projection, name)
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise Misuse(f"{projection.name}: {amount!r} cannot be added to {name}: it is no exact number")
    if isinstance(amount, Decimal) and not amount.is_finite():
        raise Misuse(f"{projection.name}: {amount} cannot be added to {name}")
    if sum(map(str.isdigit, as_text(amount))) > AMOUNT_DIGITS_LIMIT:
        raise Misuse(
            f"{projection.name}: {amount} has too many digits to be added to {name}: "
            f"at most {AMOUNT_DIGITS_LIMIT} can be"
        )
    if name not in _numeric_fields(projection.row):
        raise Misuse(f"{projection.name}: {name} is not declared as int or Decimal: nothing can be added")


@cache
def _numeric_fields(row: type[Row]) -> frozenset[str]:
    """The fields of a row that are declared as whole or decimal numbers, perhaps optional."""
    numeric = {int, Decimal}
    found = set()
    for name, kind in get_type_hints(row).items():
        members = set(get_args(kind)) if get_origin(kind) in (Union, UnionType) else {kind}
        if members - {type(None)} and members - {type(None)} <= numeric:
            found.add(name)
    return frozenset(found)


def _check_field(projection: Projection[Any], name: str) -> None:
    if name not in projection.row.__struct_fields__:
        known = ", ".join(projection.row.__struct_fields__)
        raise Misuse(f"{projection.row.__name__} has no field {name!r}; it has {known}")


def _check_row_id(row: str) -> None:
    if not row or len(row) > ID_LENGTH_LIMIT or not row.isprintable():
        raise Misuse(f"{row!r} cannot be a row's id")


def as_text(value: Any) -> str:
    """A scalar as the text that a row's hash holds; decimals never in powers of ten."""
    match value:
        case str():
            return value.value if isinstance(value, Enum) else value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
        case Enum():
            return as_text(value.value)
    raise Misuse(f"a row's field is text, a finite number or a time, not {type(value).__name__} {value!r:.50}")


def rank_of(value: Any) -> str:
    """A value of an index's ``order`` field as a score: numbers, or milliseconds since 1970."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return str(int(value.timestamp() * 1000))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return as_text(value)
    raise Misuse(f"an index is ordered by numbers or times, which carry their offset, not by {value!r:.50}")


def as_row(kind: type[AnyRow], row: str, fields: dict[str, str]) -> AnyRow | None:
    """A hash as a typed row; None for a missing row or a tombstone."""
    plain: dict[str, str] = {k: v for k, v in fields.items() if not k.startswith("_")}
    if not plain:
        return None
    plain.setdefault("id", row)
    return msgspec.convert(plain, kind, strict=False)
