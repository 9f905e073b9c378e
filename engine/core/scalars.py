"""A row's fields as the text that a Redis hash holds, and back."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from engine.core.errors import Misuse
from engine.core.projection import AnyRow


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
    plain: dict[str, str] = {k: v for k, v in fields.items() if not k.startswith("_")}
    if not plain:
        return None
    plain.setdefault("id", row)
    return msgspec.convert(plain, kind, strict=False)
