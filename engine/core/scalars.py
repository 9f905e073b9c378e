"""A row's fields as the text that a Redis hash holds, and back."""

from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, cast

import msgspec

from engine.core.errors import Misuse
from engine.core.lists import list_fields
from engine.core.projection import AnyRow, Item


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
    raise Misuse(
        f"a row's field is text, a finite number or a time, "
        f"not {type(value).__name__} {value!r:.50}"
    )


def as_item(value: Item) -> str:
    """An item of a list as JSON in which each scalar is text: no reader rounds a number.

    A struct becomes an object, with its tag if it has one; None in it stays ``null``.
    """
    if not isinstance(value, msgspec.Struct):
        return msgspec.json.encode(as_text(value)).decode()
    fields = msgspec.to_builtins(value, builtin_types=(Decimal, datetime))
    if not isinstance(fields, dict):
        raise Misuse(f"{type(value).__name__} is array_like: an item of a list has names")
    texts = {name: None if each is None else as_text(each) for name, each in fields.items()}
    return msgspec.json.encode(texts).decode()


def rank_of(value: Any) -> str:
    """A value of an index's ``order`` field as a score: numbers, or milliseconds since 1970."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return str(int(value.timestamp() * 1000))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return as_text(value)
    raise Misuse(
        f"an index is ordered by numbers or times, which carry their offset, not by {value!r:.50}"
    )


def as_row(kind: type[AnyRow], row: str, fields: dict[str, str]) -> AnyRow | None:
    """A hash as a typed row; None for a missing row or a tombstone."""
    plain: dict[str, Any] = {k: v for k, v in fields.items() if not k.startswith("_")}
    if not plain:
        return None
    plain.setdefault("id", row)
    for name in list_fields(cast("Hashable", kind)):
        plain[name] = msgspec.json.decode(plain.get(name, "[]"))
    return msgspec.convert(plain, kind, strict=False)
