"""Plain data as text to read: tables for rows that are alike, ``key  value`` for the rest."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.core.codec import time_of

_GAP = "  "


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of aligned columns: as wide as they need, so that pipes lose nothing."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in (list(headers), *cells):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield _GAP.join(padded).rstrip()


def ago(seconds: float) -> str:
    """An age as people say it: seconds while they matter, then minutes, hours, days."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


def moment(unix_ms: int) -> str:
    """A time as logs have it, in milliseconds: ``2026-01-31T12:00:00.000Z``."""
    return to_milliseconds(time_of(unix_ms).isoformat())


def to_milliseconds(time: str) -> str:
    """A time in ISO 8601 with three decimals and ``Z``; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return time
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago_if_known(seconds: float | None) -> str:
    """The same in a table, where there may be nothing to tell."""
    return "-" if seconds is None else ago(seconds)


def document(value: Any, indent: str = "") -> Iterator[str]:
    """Lines that show any plain value; nested ones are indented."""
    match value:
        case {"items": list(items), "total": int(), "page": _, "page_size": int()}:
            if items:
                yield from document(items, indent)
            yield indent + _place(value)
        case dict() if value:
            width = max(map(len, value))
            for key, inner in value.items():
                if isinstance(inner, dict | list) and inner:
                    yield f"{indent}{key}"
                    yield from document(inner, indent + _GAP)
                else:
                    yield f"{indent}{key.ljust(width)}{_GAP}{_cell(inner)}"
        case list() if value and all(_is_flat(item) for item in value):
            yield from (indent + text for text in _rows(value))
        case list() if value:
            for item in value:
                first, *rest = document(item)
                yield f"{indent}- {first}"
                yield from (f"{indent}{_GAP}{text}" for text in rest)
        case _:
            yield indent + _cell(value)


def _place(page: Mapping[str, Any]) -> str:
    """Where in its list a page is, and what leads on."""
    total, number = page["total"], page["page"]
    pages = max(1, -(-total // page["page_size"]))
    said = f"{total} in all" if number is None else f"page {number} of {pages}, {total} in all"
    return f"{said}; next: {page['next']}" if page.get("next") else said


def _rows(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    headers = list(dict.fromkeys(key for item in items for key in item))
    return table(headers, ([item.get(key) for key in headers] for item in items))


def _is_flat(item: Any) -> bool:
    return bool(isinstance(item, dict) and item) and not any(
        isinstance(inner, dict | list) for inner in item.values()
    )


def _cell(value: Any) -> str:
    """One value on one line; what could be taken for something else is JSON."""
    match value:
        case None:
            return "-"
        case str() if value and value.isprintable():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
