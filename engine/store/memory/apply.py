"""Writing what a batch of row changes comes to: the counterpart of apply.lua.

Everything is computed first and written after, so what can fail, fails before the first
write.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.core.fold import Move, RowFold
from engine.core.projection import Index
from engine.core.records import RowChange
from engine.store.memory.keyspace import Hash, Keyspace


class Place(NamedTuple):
    """Where one generation's rows and indexes stand, as seen from one partition."""

    watermark: str
    row_prefix: str
    index_prefix: str
    indexes: Sequence[Index]

    def group_key(self, index: str, group: str) -> str:
        """The key of one group of an index."""
        return f"{self.index_prefix}{index}:{group}"


def apply(
    data: Keyspace, place: Place, changes: Sequence[RowChange]
) -> tuple[list[str], list[str]]:
    """Write changes to rows and indexes; raises `Refused` and then nothing was written.

    Returns the rows that changed, and the groups of indexes as their keys end.
    """

    def standing(index: str, group: str) -> Mapping[str, float]:
        return data.ranking(place.group_key(index, group))

    rows: dict[str, RowFold] = {}
    for change in changes:
        row = rows.get(change.row)
        if row is None:
            found = data.hash(place.row_prefix + change.row)
            row = rows[change.row] = RowFold(change.row, place.watermark, found)
        row.fold(change)
    changed = {name: row for name, row in rows.items() if row.dirty}
    moves = [move for row in changed.values() for move in row.moves(place.indexes, standing)]
    for name, row in changed.items():
        data.keep(place.row_prefix + name, Hash(row.fields()))
    for move in moves:
        _move(data, place, move)
    return list(changed), list(dict.fromkeys(group for move in moves for group in move.groups()))


def _move(data: Keyspace, place: Place, move: Move) -> None:
    if move.leaves is not None:
        key = place.group_key(move.index_name, move.leaves)
        left = data.ranking(key)
        left.pop(move.row, None)
        data.keep(key, left)
    if move.enters is not None:
        key = place.group_key(move.index_name, move.enters)
        entered = data.ranking(key)
        entered[move.row] = move.score
        data.keep(key, entered)
