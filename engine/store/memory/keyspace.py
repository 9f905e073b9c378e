"""Streams, hashes, sorted sets and lists under their keys, each of one kind, as Redis has them."""

import bisect
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeVar

from engine.core.errors import Refused
from engine.core.ids import stream_order
from engine.core.records import Entry


class Stream:
    """Entries in order of their ids, and the consumer groups that read them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.last = "0-0"
        """The greatest id ever added; it stays when entries go."""
        self.groups: dict[str, str] = {}
        """How far each consumer group has been read."""

    def after(self, id: str, count: int | None = None) -> list[Entry]:
        """Entries above an id, the oldest first."""
        start = bisect.bisect_right(self.entries, stream_order(id), key=_order)
        return self.entries[start : None if count is None else start + count]

    def below(self, id: str, count: int) -> list[Entry]:
        """Entries below an id (``+`` for the end), the newest first."""
        end = len(self.entries)
        if id != "+":
            end = bisect.bisect_left(self.entries, stream_order(id), key=_order)
        return self.entries[max(0, end - count) : end][::-1]

    def ends_at(self) -> str | None:
        """The id of the last entry there is."""
        return self.entries[-1].id if self.entries else None

    def trim(self, first: str) -> None:
        """Drop every entry below an id."""
        del self.entries[: bisect.bisect_left(self.entries, stream_order(first), key=_order)]


class Hash(dict[str, str]):
    """Fields and their values."""


class Ranking(dict[str, float]):
    """Members and their scores: a sorted set."""

    def ordered(self) -> list[str]:
        """Members by score, those of equal score by their bytes."""
        return sorted(self, key=lambda member: (self[member], member.encode()))


class Queue(list[bytes]):
    """A list of values."""


Kind = TypeVar("Kind", Stream, Hash, Ranking, Queue)


class Keyspace:
    """All keys of a server. What is empty is not there, except a stream."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._expires: dict[str, int] = {}

    def stream(self, key: str) -> Stream:
        """A stream; where there is none, an empty one that belongs to nobody."""
        return self._get(key, Stream)

    def hash(self, key: str) -> Hash:
        """A hash; where there is none, an empty one that belongs to nobody."""
        return self._get(key, Hash)

    def ranking(self, key: str) -> Ranking:
        """A sorted set; where there is none, an empty one that belongs to nobody."""
        return self._get(key, Ranking)

    def queue(self, key: str) -> Queue:
        """A list; where there is none, an empty one that belongs to nobody."""
        return self._get(key, Queue)

    def keep(self, key: str, value: Stream | Hash | Ranking | Queue) -> None:
        """Have a value stand under its key from now on, or go if it is empty."""
        if value or isinstance(value, Stream):
            self._values[key] = value
        else:
            self._values.pop(key, None)

    def put(self, key: str, fields: Mapping[str, str]) -> None:
        """Set fields of a hash."""
        found = self.hash(key)
        found |= fields
        self.keep(key, found)

    def drop(self, key: str, names: Sequence[str]) -> None:
        """Remove fields of a hash."""
        found = self.hash(key)
        for name in names:
            found.pop(name, None)
        self.keep(key, found)

    def text(self, key: str) -> str | None:
        """A plain text; empty where something else stands there."""
        value = self._values.get(key)
        return value if value is None or isinstance(value, str) else ""

    def plant(self, key: str, value: str) -> None:
        """Put a plain text there, whatever stood there before."""
        self._values[key] = value

    def remove(self, key: str) -> None:
        """Remove a key with all that it holds."""
        self._values.pop(key, None)
        self._expires.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        return [key for key in self._values if key.startswith(prefix)]

    def expire(self, key: str, at_ms: int) -> None:
        """Remove a key when the clock has come so far."""
        self._expires[key] = at_ms

    def sweep(self, now_ms: int) -> None:
        """Remove what has expired."""
        for key in [key for key, at in self._expires.items() if at <= now_ms]:
            self.remove(key)

    def dump(self) -> dict[str, Any]:
        """Everything there is, as plain data that later writes do not touch."""
        return {key: _plain(value) for key, value in self._values.items()}

    def _get(self, key: str, kind: type[Kind]) -> Kind:
        value = self._values.get(key)
        if value is None:
            return kind()
        if not isinstance(value, kind):
            raise Refused(f"WRONGTYPE {key} holds another kind of value: {type(value).__name__}")
        return value


def _order(entry: Entry) -> tuple[int, int]:
    return stream_order(entry.id)


def _plain(value: Any) -> Any:
    if isinstance(value, Stream):
        return [(entry.id, dict(entry.fields)) for entry in value.entries], dict(value.groups)
    if isinstance(value, Hash):
        return dict(value)
    if isinstance(value, Ranking):
        return [(member, value[member]) for member in value.ordered()]
    return deepcopy(list(value)) if isinstance(value, Queue) else value
