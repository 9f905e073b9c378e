"""Folding a batch of row changes, and writing what comes of it: the counterpart of apply.lua.

Everything is computed first and written after, so what can fail, fails before the first
write.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.core.projection import AMOUNT_DIGITS_LIMIT, Index, RowChange
from engine.store.memory.keyspace import Hash, Keyspace, Refused

_NUMBER = re.compile(r"(-?\d+)\.?(\d*)")


class Place(NamedTuple):
    """Where one generation's rows and indexes stand, as seen from one partition."""

    watermark: str
    row_prefix: str
    index_prefix: str
    indexes: Sequence[Index]


class _Move(NamedTuple):
    """An index entry that goes, comes, or gets another score."""

    row: str
    leaves: str | None
    enters: str | None
    score: float


class _Row:
    """One row while changes are folded: what stands there, and what will."""

    def __init__(self, place: Place, row: str, found: Hash) -> None:
        self._place, self._row = place, row
        self.before = dict(found)
        self.after = dict(found)
        self.at = int(found.get(place.watermark, 0))
        self.ranks: dict[str, str] = {}
        self.dirty = False

    def fold(self, change: RowChange) -> None:
        """Take one change in, unless it was applied before."""
        if change.position <= self.at:
            return
        self.at, self.dirty = change.position, True
        if change.wipe:
            self.after = {name: text for name, text in self.after.items() if name.startswith("_")}
        self.after |= _pairs(change.put)
        for name, amount in _pairs(change.add).items():
            self.after[name] = total_of(self.after.get(name, "0"), amount)
        for name in change.drop:
            self.after.pop(name, None)
        self.ranks |= change.ranks
        self.after.pop("_deleted", None)
        if change.wipe and not change.put and not change.add:
            self.after["_deleted"] = "1"

    def moves(self, data: Keyspace) -> Iterable[_Move]:
        """What the change means for the indexes."""
        for index in self._place.indexes:
            old = self._group(data, index, self.before)
            new = self._group(data, index, self.after)
            rank = self.ranks.get(index.name)
            if old == new and rank is None:
                continue
            kept = data.ranking(old).get(self._row, 0.0) if old else 0.0
            leaves = old if old != new else None
            yield _Move(self._row, leaves, new, kept if rank is None else float(rank))

    def _group(self, data: Keyspace, index: Index, fields: Mapping[str, str]) -> str | None:
        values = [fields[name] for name in index.group if name in fields]
        if len(values) < len(index.group):
            return None
        key = group_key(f"{self._place.index_prefix}{index.name}", values)
        data.ranking(key)
        return key


def apply(data: Keyspace, place: Place, changes: Sequence[RowChange]) -> None:
    """Write changes to rows and indexes; raises `Refused` and then nothing was written."""
    rows: dict[str, _Row] = {}
    for change in changes:
        row = rows.get(change.row)
        if row is None:
            found = data.hash(place.row_prefix + change.row)
            row = rows[change.row] = _Row(place, change.row, found)
        row.fold(change)
    changed = {name: row for name, row in rows.items() if row.dirty}
    moves = [move for row in changed.values() for move in row.moves(data)]
    for name, row in changed.items():
        data.keep(place.row_prefix + name, Hash(row.after | {place.watermark: str(row.at)}))
    for move in moves:
        _move(data, move)


def group_key(prefix: str, values: Sequence[str]) -> str:
    """The key of one group of an index."""
    parts = (value.replace("%", "%25").replace("/", "%2F") for value in values)
    return f"{prefix}:{'/'.join(parts)}"


def total_of(a: str, b: str) -> str:
    """The exact sum of two decimals written as text, with the greater number of places."""
    places = max(_places(a), _places(b))
    total = _scaled(a, places) + _scaled(b, places)
    if abs(total) >= 10**AMOUNT_DIGITS_LIMIT:
        raise Refused(f"a sum has more than {AMOUNT_DIGITS_LIMIT} digits: {a} + {b}")
    digits = str(abs(total)).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
    return ("-" if total < 0 else "") + whole + (f".{part}" if places else "")


def _places(text: str) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Refused(f"{text!r} is not a number that can be added to")
    return len(found[2])


def _scaled(text: str, places: int) -> int:
    found = _NUMBER.fullmatch(text)
    return int(found[1] + found[2].ljust(places, "0")) if found else 0


def _move(data: Keyspace, move: _Move) -> None:
    if move.leaves is not None:
        left = data.ranking(move.leaves)
        left.pop(move.row, None)
        data.keep(move.leaves, left)
    if move.enters is not None:
        entered = data.ranking(move.enters)
        entered[move.row] = move.score
        data.keep(move.enters, entered)


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
