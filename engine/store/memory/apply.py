"""Folding a batch of row changes, and writing what comes of it: the counterpart of apply.lua.

Everything is computed first and written after, so what can fail, fails before the first
write.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.core.errors import Refused
from engine.core.projection import Index
from engine.core.records import RowChange
from engine.store.memory.keyspace import Hash, Keyspace

_NUMBER = re.compile(r"(-?)(\d+)\.?(\d*)")

_DIGITS_LIMIT = 27
"""Digits of a number that can be added to: what the scripts' two limbs hold."""


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
        self.wiped = False
        self.dirty = False

    def fold(self, change: RowChange) -> None:
        """Take one change in, unless it was applied before."""
        if change.position <= self.at:
            return
        self.at, self.dirty = change.position, True
        if change.wipe:
            self.wiped, self.ranks = True, {}
            self.after = {name: text for name, text in self.after.items() if name.startswith("_")}
        for name in change.drop:
            self.after.pop(name, None)
        self.after |= _pairs(change.put)
        for name, amount in _pairs(change.add).items():
            self.after[name] = total_of(self.after.get(name, "0"), amount)
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
            if rank == "=":
                rank = self.after.get(index.order)
            if rank is not None:
                _score(rank)
            if old == new and rank is None and not self.wiped:
                continue
            kept = f"_rank:{index.name}"
            if rank is None and not self.wiped:
                rank = self._rank_in(data, old) or self.before.get(kept)
            self.after.pop(kept, None)
            if new is None and rank is not None:
                self.after[kept] = rank
            leaves = old if old != new else None
            yield _Move(self._row, leaves, new, _score(rank or "0"))

    def _rank_in(self, data: Keyspace, group: str | None) -> str | None:
        """The score that the row has in a group, as a script would be told it."""
        score = data.ranking(group).get(self._row) if group else None
        return None if score is None else f"{score:.17g}"

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
    parts = [_parts(a), _parts(b)]
    places = max(len(part) for *_, part in parts)
    total = 0
    for sign, whole, part in parts:
        digits = whole + part.ljust(places, "0")
        if len(digits) > _DIGITS_LIMIT:
            raise Refused(f"{a} + {b}: a number has more than {_DIGITS_LIMIT} digits")
        total += int(sign + digits)
    text = str(abs(total)).rjust(places + 1, "0")
    whole, part = text[: len(text) - places], text[len(text) - places :]
    return ("-" if total < 0 else "") + whole + (f".{part}" if places else "")


def _score(rank: str) -> float:
    """A rank as a sorted set takes it."""
    try:
        score = float(rank)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise Refused(f"{rank!r:.50} is not a number that rows can be in order of")
    return score


def _parts(text: str) -> tuple[str, str, str]:
    """A number's sign, whole part and decimal places."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Refused(f"{text!r} is not a number that can be added to")
    return found[1], found[2], found[3]


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
