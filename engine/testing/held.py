"""Rows and indexes of one way to apply events, in the store in memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.core.fold import WATERMARK, group_of
from engine.core.fold import differing as fields_differing
from engine.core.projection import Projection
from engine.core.records import RowChange
from engine.store.keys import Keys
from engine.store.memory import MemoryServer
from engine.store.memory.apply import Place, apply
from engine.store.memory.views import MemoryRows, views_only


class Held:
    """What stands where events were applied in some way."""

    def __init__(self) -> None:
        self._keys, server = Keys("testing"), MemoryServer()
        self._data = server.data
        self.reader = MemoryRows(views_only(server.connect(), self._keys), self._keys)

    def write(self, projection: Projection[Any], changes: Sequence[RowChange]) -> None:
        """Do in one step what a projector does with the changes of a batch."""
        apply(self._data, self._place(projection), changes)

    def hashes(self, name: str) -> dict[str, dict[str, str]]:
        """All rows of a projection as Redis would hold them."""
        prefix = self._keys.row(name, 1, "")
        found = self._data.dump()
        return {key.removeprefix(prefix): found[key] for key in found if key.startswith(prefix)}

    def row(self, name: str, row: str) -> Mapping[str, str]:
        """One row, as Redis would hold it."""
        return self._data.hash(self._keys.row(name, 1, row))

    def ordered(self, projection: Projection[Any], index: str, group: str) -> list[str]:
        """The rows of a group, in its order."""
        return self._data.ranking(self._place(projection).group_key(index, group)).ordered()

    def scores(self, projection: Projection[Any], row: str) -> dict[str, float | None]:
        """Where a row stands in the groups that it says it is in, by index."""
        place, fields = self._place(projection), self.row(projection.name, row)
        return {
            index.name: self._data.ranking(place.group_key(index.name, group)).get(row)
            for index in projection.indexes
            if (group := group_of(index, fields)) is not None
        }

    def _place(self, projection: Projection[Any]) -> Place:
        name = projection.name
        rows, groups = self._keys.row(name, 1, ""), self._keys.index(name, 1, "")
        return Place(f"{WATERMARK}0", rows, groups, projection.indexes)


def differing(one: Held, other: Held, projection: Projection[Any], row: str) -> Iterator[str]:
    """Where two ways to apply the same events came to different things, a sentence each."""
    fields, others = one.row(projection.name, row), other.row(projection.name, row)
    for name in fields_differing(fields, others):
        if not name.startswith(WATERMARK):
            yield f"{row}.{name} is {others.get(name)!r}, not {fields.get(name)!r}"
    if not fields.keys() ^ others.keys() and one.scores(projection, row) != other.scores(
        projection, row
    ):
        yield f"{row} stands elsewhere in an index"
