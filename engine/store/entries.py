"""A stream's entries, as Redis replies them."""

from typing import Any

from engine.core.records import Entry, StoredEvent


def entries_of(raw: list[list[Any]]) -> list[Entry]:
    """Raw entries ``[id, [field, value, …]]`` as `Entry`; a deleted one has no fields."""
    return [
        Entry(id.decode(), dict(zip(fields[::2], fields[1::2], strict=True)) if fields else {})
        for id, fields in raw
    ]


def stored(entry: Entry) -> StoredEvent:
    """An entry of an aggregate's stream."""
    fields = entry.fields
    version = int(entry.id.partition("-")[0])
    return StoredEvent(version, fields[b"type"].decode(), fields[b"data"], fields[b"meta"])


def stored_raw(raw: tuple[bytes, list[bytes]]) -> StoredEvent:
    """The same of a raw entry whose fields stand as a commit writes them: loads are many."""
    id, (_, kind, _, data, _, meta) = raw
    return StoredEvent(int(id.partition(b"-")[0]), kind.decode(), data, meta)
