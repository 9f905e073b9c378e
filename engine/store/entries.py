"""A stream's entries, as Redis replies them."""

from typing import Any

from engine.core.records import Entry


def entries_of(raw: list[list[Any]]) -> list[Entry]:
    """Raw entries ``[id, [field, value, …]]`` as `Entry`; a deleted one has no fields."""
    return [
        Entry(id.decode(), dict(zip(fields[::2], fields[1::2], strict=True)) if fields else {})
        for id, fields in raw
    ]
