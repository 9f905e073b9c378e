"""Aggregates' own streams beside the log: the same events, in the same order, and no others."""

from collections.abc import Iterator, Sequence

from engine.core.audit.findings import Finding
from engine.core.records import Entry, LoggedEvent

_FIELDS = ("type", "data", "meta")
_SHOWN = 200
"""Characters of a value that a finding quotes."""


def judge_stream(
    partition: int, key: str, logged: Sequence[LoggedEvent], found: Sequence[Entry]
) -> Iterator[Finding]:
    """One aggregate's events as the log has them, beside its stream over the same versions."""
    stored = {entry.id: entry for entry in found}
    for event in logged:
        id = f"{event.version}-0"
        entry = stored.pop(id, None)
        expected = f"the event at position {event.position} of the log"
        if entry is None:
            yield Finding("event_missing", partition, key, id, expected, "nothing")
            continue
        due = dict(zip(_FIELDS, (event.type.encode(), event.data, event.meta), strict=True))
        for name, value in due.items():
            said = entry.fields.get(name.encode())
            if said != value:
                yield Finding(
                    "event_differs", partition, key, id, f"{name} {_shown(value)}", _shown(said)
                )
    for id in stored:
        yield Finding("event_stray", partition, key, id, "no event, as in the log", "one")


def judge_length(partition: int, key: str, version: int, length: int) -> Finding | None:
    """Whether a stream has as many events as the log says of its aggregate."""
    if length == version:
        return None
    check, id = ("event_stray", f"{version + 1}-0") if length > version else ("event_missing", "")
    return Finding(check, partition, key, id, f"{version} events, as in the log", f"{length}")


def _shown(value: bytes | None) -> str:
    return "nothing" if value is None else repr(value.decode(errors="replace"))[:_SHOWN]
