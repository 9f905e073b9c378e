"""Folding row changes: what `apply.lua` does to a row and its index entries, as plain Python.

The store in memory writes what comes of it; `semel verify` compares it with what stands in
Redis. Nothing is written here: what can fail, fails before anybody writes.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.core.errors import Refused
from engine.core.lists import appended
from engine.core.projection import Index
from engine.core.records import RowChange

_NUMBER = re.compile(r"(-?)(\d+)\.?(\d*)")

_DIGITS_LIMIT = 27
"""Digits of a number that can be added to: what the scripts' two limbs hold."""

RANK_KEPT = "_rank:"
"""Begins the field in which a row keeps its order in an index while it is in no group."""

WATERMARK = "_at:"
"""Begins the fields in which a row says what it has taken, one for each partition."""

Standing = Callable[[str, str], Mapping[str, float]]
"""A group of an index as it stands, by the names of both: row ids and their scores."""


class Move(NamedTuple):
    """An index entry that goes, comes, or gets another score."""

    row: str
    index_name: str
    leaves: str | None
    enters: str | None
    score: float

    def groups(self) -> list[str]:
        """The groups that it concerns, as index keys end."""
        groups = (self.leaves, self.enters)
        return [f"{self.index_name}:{group}" for group in groups if group is not None]


class RowFold:
    """One row while changes are folded: what stands there, and what will.

    ``watermark`` is the field of the partition that the changes come from.
    """

    def __init__(self, row: str, watermark: str, found: Mapping[str, str]) -> None:
        self._row, self._watermark = row, watermark
        self._before = dict(found)
        self._after = dict(found)
        self._at = int(found.get(watermark, 0))
        self._ranks: dict[str, str] = {}
        self._wiped = False
        self.dirty = False

    def fold(self, change: RowChange) -> None:
        """Take one change in, unless it was applied before."""
        if change.position <= self._at:
            return
        self._at, self.dirty = change.position, True
        if change.wipe:
            self._wiped, self._ranks = True, {}
            self._after = {name: text for name, text in self._after.items() if name[:1] == "_"}
        for name in change.drop:
            self._after.pop(name, None)
        self._after |= _pairs(change.put)
        for name, amount in _pairs(change.add).items():
            self._after[name] = total_of(self._after.get(name, "0"), amount)
        for name, item, limit in change.append:
            self._after[name] = appended(self._after.get(name), item, limit)
        self._ranks |= change.ranks
        self._after.pop("_deleted", None)
        if change.wipe and not (change.put or change.add or change.append):
            self._after["_deleted"] = "1"

    def moves(self, indexes: Sequence[Index], standing: Standing) -> Iterable[Move]:
        """What the changes mean for the indexes; also settles the ranks that the row keeps."""
        for index in indexes:
            old, new = group_of(index, self._before), group_of(index, self._after)
            old_group = standing(index.name, old) if old is not None else {}
            if new is not None:
                standing(index.name, new)
            rank = self._ranks.get(index.name)
            if rank == "=":
                rank = self._after.get(index.order)
            if rank is not None:
                score_of(rank)
            if old == new and rank is None and not self._wiped:
                continue
            kept = RANK_KEPT + index.name
            if rank is None and not self._wiped:
                score = old_group.get(self._row)
                rank = self._before.get(kept) if score is None else f"{score:.17g}"
            self._after.pop(kept, None)
            if new is None and rank is not None:
                self._after[kept] = rank
            leaves = old if old != new else None
            yield Move(self._row, index.name, leaves, new, score_of(rank or "0"))

    def fields(self) -> dict[str, str]:
        """The row as it will stand, once its moves are known."""
        return self._after | {self._watermark: str(self._at)}


def group_of(index: Index, fields: Mapping[str, str]) -> str | None:
    """The group of an index that a row belongs to, as it ends a key; None for none."""
    values = [fields[name] for name in index.group if name in fields]
    return group_name(values) if len(values) == len(index.group) else None


def group_name(values: Sequence[str]) -> str:
    """The values of a group as they end its key."""
    return "/".join([value.replace("%", "%25").replace("/", "%2F") for value in values])


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    """The fields that two rows do not have alike, in order of their names."""
    for name in sorted(one.keys() | other.keys()):
        left, right = one.get(name), other.get(name)
        if left == right:
            continue
        is_rank = name.startswith(RANK_KEPT) and left is not None and right is not None
        if not (is_rank and plain_rank(left or "") == plain_rank(right or "")):
            yield name


def plain_rank(text: str) -> str:
    """A kept rank as one number is always written: its text depends on how batches fell.

    What is no number stays as it is.
    """
    try:
        return f"{float(text):.17g}"
    except ValueError:
        return text


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


def score_of(rank: str) -> float:
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


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
