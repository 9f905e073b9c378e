"""One generation of a projection, folded anew from the log, beside what stands in Redis.

Rows move while they are read. But a row says by its watermarks which events it has taken,
so it is compared with the fold of exactly these: never a false alarm, never a second try.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from engine.core.audit.findings import Finding
from engine.core.fold import RANK_KEPT, RowFold
from engine.core.projecting import projecting
from engine.core.projection import Projection
from engine.core.records import LoggedEvent, RowChange
from engine.core.registry import Domain

Group = tuple[str, str]
"""An index and one of its groups, as their key names them."""

_WATERMARK = "_at:"


class FoldedRow(msgspec.Struct):
    """A row as the log makes it: its hash, and by index the group it is in and its score.

    ``seen`` and ``entries_seen`` are for whoever goes through Redis, to find what is missing.
    """

    fields: dict[str, str] = {}
    entries: dict[str, tuple[str, float]] = {}
    seen: bool = False
    entries_seen: set[str] = set()

    def fold(self, projection: Projection[Any], partition: int, change: RowChange) -> None:
        """Take one change in."""
        row = RowFold(change.row, f"{_WATERMARK}{partition}", self.fields)
        row.fold(change)
        if not row.dirty:
            return
        for move in row.moves(projection.indexes, self._standing(change.row)):
            self.entries.pop(move.index_name, None)
            if move.enters is not None:
                self.entries[move.index_name] = (move.enters, move.score)
        self.fields = row.fields()

    def copy(self) -> "FoldedRow":
        """The same row, to be folded on by itself."""
        return FoldedRow(dict(self.fields), dict(self.entries))

    def _standing(self, row: str) -> Any:
        def standing(index: str, group: str) -> Mapping[str, float]:
            inside = self.entries.get(index)
            return {row: inside[1]} if inside is not None and inside[0] == group else {}

        return standing


class ReadRow(msgspec.Struct, frozen=True):
    """A row as it was read, in one step with some index entries; None for one not there."""

    fields: Mapping[str, str]
    entries: Mapping[Group, float | None]

    def takes(self, partition: int, position: int) -> bool:
        """Whether the row says that it has taken an event, or one behind it."""
        return position <= _number(self.fields.get(f"{_WATERMARK}{partition}", "0"))


class Generation:
    """Rows of one generation, folded as far as its checkpoints reach."""

    def __init__(self, projection: Projection[Any], domain: Domain) -> None:
        self.projection = projection
        self.rows: dict[str, FoldedRow] = {}
        self.parked: dict[int, dict[str, int]] = {}
        """By partition, the aggregates that are passed over, each from a position on."""
        self._project = projecting(domain, projection)
        self._watched: dict[str, tuple[ReadRow, FoldedRow]] = {}

    def take(self, partition: int, event: LoggedEvent) -> None:
        """Fold the partition's next event; raises what the projection's code raises.

        One that waits behind a parked one is in no row, and is not folded either.
        """
        parked = self.parked.get(partition, {})
        if event.position >= parked.get(event.aggregate, event.position + 1):
            return
        for change in self._project(partition, event):
            row = self.rows.get(change.row)
            if row is None:
                row = self.rows[change.row] = FoldedRow()
            row.fold(self.projection, partition, change)
            watched = self._watched.get(change.row)
            if watched is not None and watched[0].takes(partition, event.position):
                watched[1].fold(self.projection, partition, change)

    def is_as_read(self, row: str, fields: Mapping[str, str]) -> bool:
        """Whether a row is what the fold has so far; notes that there is such a row."""
        folded = self.rows.get(row)
        if folded is None:
            return False
        folded.seen = True
        return not any(_differences(folded.fields, fields))

    def holds(self, group: Group, row: str, score: float) -> bool:
        """Whether an index entry is what the fold has so far; notes that there is one."""
        folded = self.rows.get(row)
        if folded is None or folded.entries.get(group[0]) != (group[1], score):
            return False
        folded.entries_seen.add(group[0])
        return True

    def unseen(self) -> Iterator[tuple[str, list[Group]]]:
        """Rows that were not met, or some of whose index entries were not, and these."""
        for name, row in self.rows.items():
            missing = [
                (index, group)
                for index, (group, _) in row.entries.items()
                if index not in row.entries_seen
            ]
            if missing or not row.seen:
                yield name, missing

    def watch(self, read: Mapping[str, ReadRow]) -> None:
        """From here on, fold these rows a second time, each up to what it says it has taken."""
        self._watched = {
            name: (row, self.rows[name].copy() if name in self.rows else FoldedRow())
            for name, row in read.items()
        }

    def entries_of(self, row: str) -> list[Group]:
        """The index entries that a watched row should have, else those it has by the fold."""
        watched = self._watched.get(row)
        folded = watched[1] if watched is not None else self.rows.get(row)
        return [(index, group) for index, (group, _) in folded.entries.items()] if folded else []

    def judge(self, row_key: str, row: str, keys: Mapping[Group, str]) -> Iterator[Finding]:
        """What is wrong with a watched row, and with the entries that were read with it."""
        read, folded = self._watched[row]
        if not folded.fields:
            if read.fields:
                yield Finding("row_stray", None, row_key, "", "no row: no event makes one", "one")
        elif not read.fields:
            watermarks = [name for name in folded.fields if name.startswith(_WATERMARK)]
            expected = f"the row of events {_shown(folded.fields, watermarks)}"
            yield Finding("row_missing", None, row_key, "", expected, "nothing")
        else:
            for name, expected, found in _differences(folded.fields, read.fields):
                yield Finding("row_differs", None, row_key, name, expected, found)
        for group, score in read.entries.items():
            due = folded.entries.get(group[0])
            wanted = due[1] if due is not None and due[0] == group[1] else None
            if wanted != score:
                check = "entry_stray" if wanted is None else "entry_missing"
                check = "entry_score" if wanted is not None and score is not None else check
                yield Finding(check, None, keys[group], row, _as_entry(wanted), _as_entry(score))


def _as_entry(score: float | None) -> str:
    return "no entry" if score is None else f"an entry with score {score:.17g}"


def _differences(
    expected: Mapping[str, str], found: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Fields that differ. A kept rank is a number: its text depends on how batches fell."""
    if expected == found:
        return
    for name in expected.keys() | found.keys():
        due, said = expected.get(name), found.get(name)
        if due == said:
            continue
        is_rank = name.startswith(RANK_KEPT) and due is not None and said is not None
        if not (is_rank and _score(due) == _score(said)):
            yield name, _quoted(due), _quoted(said)


def _shown(fields: Mapping[str, str], names: Iterable[str]) -> str:
    return ", ".join(f"{name.removeprefix(_WATERMARK)}/{fields[name]}" for name in names)


def _quoted(text: str | None) -> str:
    return "nothing" if text is None else repr(text)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _score(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return math.nan
