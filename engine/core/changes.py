"""What one event comes to, row by row: a projection's operations as changes to write."""

from collections.abc import Hashable, Iterable
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from engine.core.errors import Misuse
from engine.core.lists import LIST_LIMIT, list_fields
from engine.core.projection import Add, Append, Delete, Item, Operation, Projection, Put, Scalar
from engine.core.records import Appended, RowChange
from engine.core.routing import ID_LENGTH_LIMIT
from engine.core.scalars import as_item, as_text, rank_of

AMOUNT_DIGITS_LIMIT = 15
"""Digits in one added number; a sum may have 27 (see ``lua/shared/decimal.lua``)."""


class _Fields(NamedTuple):
    """A row's fields by what can be done with them: put, added to, appended to."""

    plain: frozenset[str]
    numeric: frozenset[str]
    lists: frozenset[str]


def changes_of(
    projection: Projection[Any], position: int, operations: Iterable[Operation]
) -> list[RowChange]:
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
            case Append(limit=limit, items=items):
                draft.append(limit, items)
            case Delete():
                by_row[row] = _Drafted(projection, wipe=True)
    return [draft.change(row, position) for row, draft in by_row.items()]


class _Drafted:
    """One row's operations so far, each field's reduced to what they come to."""

    __slots__ = (
        "_add", "_append", "_drop", "_fields", "_projection", "_put", "_ranks", "_wipe",
    )  # fmt: skip

    def __init__(self, projection: Projection[Any], *, wipe: bool = False) -> None:
        self._projection, self._wipe = projection, wipe
        self._fields = _fields_of(cast("Hashable", projection.row))
        self._put: dict[str, str] = {}
        self._add: dict[str, int | Decimal] = {}
        self._drop: dict[str, None] = {}
        self._ranks: dict[str, str] = {}
        self._append: list[Appended] = []

    def put(self, fields: dict[str, Scalar]) -> None:
        """Set fields; what was added or appended before does not count any more."""
        for name, value in fields.items():
            if value is None:
                self._none(name)
                continue
            if name not in self._fields.plain:
                _refuse_put(self._projection, name)
            if self._add or self._drop:
                self._add.pop(name, None)
                self._drop.pop(name, None)
            self._put[name] = value if type(value) is str else as_text(value)
            if name in self._projection.ranked:
                self._rank(name, rank_of(value))

    def _none(self, name: str) -> None:
        """Let a field go, whatever it is."""
        _check_field(self._projection, name)
        self._put.pop(name, None)
        self._add.pop(name, None)
        self._append = [each for each in self._append if each.field != name]
        self._drop[name] = None
        self._rank(name, "0")

    def add(self, amounts: dict[str, int | Decimal]) -> None:
        """Add to fields, each once for all."""
        for name, amount in amounts.items():
            _check_amount(self._projection, self._fields.numeric, name, amount)
            if name in self._add:
                amount += self._add[name]  # noqa: PLW2901 -- both are one amount
                _check_amount(self._projection, self._fields.numeric, name, amount)
            self._add[name] = amount
            self._rank(name, "=")

    def append(self, limit: int, items: dict[str, Item]) -> None:
        """Append to lists, in the order of the calls."""
        _check_append(self._projection, self._fields.lists, limit, items)
        self._append += [Appended(name, as_item(item), limit) for name, item in items.items()]

    def change(self, row: str, position: int) -> RowChange:
        """What has come together."""
        put = [text for pair in self._put.items() for text in pair]
        add = [text for name, amount in self._add.items() for text in (name, as_text(amount))]
        drop = list(self._drop)
        return RowChange(row, position, self._wipe, put, add, drop, self._ranks, self._append)

    def _rank(self, name: str, rank: str) -> None:
        for index in self._projection.ranked.get(name, ()):
            self._ranks[index] = rank


def _refuse_put(projection: Projection[Any], name: str) -> None:
    _check_field(projection, name)
    raise Misuse(
        f"{projection.name}: {name} is a list, which is appended to; put can only empty it, "
        f"with None"
    )


def _check_append(
    projection: Projection[Any], lists: frozenset[str], limit: Any, items: dict[str, Item]
) -> None:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LIST_LIMIT:
        raise Misuse(
            f"{projection.name}: a list keeps its last 1 to {LIST_LIMIT} items, and append says "
            f"limit={limit!r}. What there is more of becomes rows of their own, in an index"
        )
    if not items:
        raise Misuse(f"{projection.name}: append names no list; say append(row, limit=20, seen=x)")
    for name in items:
        _check_field(projection, name)
        if name not in lists:
            raise Misuse(
                f"{projection.name}: {name} is not declared as tuple[…, ...]: nothing can be "
                f"appended to it"
            )


def _check_amount(
    projection: Projection[Any], numeric: frozenset[str], name: str, amount: Any
) -> None:
    _check_field(projection, name)
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise Misuse(
            f"{projection.name}: {amount!r} cannot be added to {name}: it is no exact number"
        )
    if isinstance(amount, Decimal) and not amount.is_finite():
        raise Misuse(f"{projection.name}: {amount} cannot be added to {name}")
    text = as_text(amount)
    # Of a short text the digits need not be counted.
    if len(text) > AMOUNT_DIGITS_LIMIT and sum(map(str.isdigit, text)) > AMOUNT_DIGITS_LIMIT:
        raise Misuse(
            f"{projection.name}: {amount} has too many digits to be added to {name}: "
            f"at most {AMOUNT_DIGITS_LIMIT} can be"
        )
    if name not in numeric:
        raise Misuse(
            f"{projection.name}: {name} is not declared as int or Decimal: nothing can be added"
        )


@cache
def _fields_of(row: Hashable) -> _Fields:
    lists = list_fields(row)
    plain = frozenset(cast("type[msgspec.Struct]", row).__struct_fields__) - lists
    return _Fields(plain, _numeric_fields(row), lists)


def _numeric_fields(row: Hashable) -> frozenset[str]:
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
