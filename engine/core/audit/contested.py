"""Fields that no log can tell: written by events of several partitions, in any order.

Partitions are projected side by side, so what is left of such a field depends on who came
first (one writer per field, says `engine.core.writers`, which does not see all that code can
do). A fold that goes through one partition after another may come to something else, and no
one is wrong. Whatever is only added to comes to the same in any order.
"""

from collections import defaultdict

from engine.core.projection import Index
from engine.core.records import RowChange

_WHOLE = "_deleted"
"""A deletion writes every field, and so does this one stand for all."""


class Writers:
    """Which partitions' events have set, and which have added to, each field of one row."""

    __slots__ = ("_added", "_set")

    def __init__(self) -> None:
        self._set: dict[str, set[int]] = defaultdict(set)
        self._added: dict[str, set[int]] = defaultdict(set)

    def note(self, partition: int, change: RowChange) -> None:
        """One change comes from a partition."""
        self._added[_WHOLE].add(partition)
        for name in (*change.put[::2], *change.drop, *(each.field for each in change.append)):
            self._set[name].add(partition)
        for name in change.add[::2]:
            self._added[name].add(partition)
        if change.wipe:
            self._set[_WHOLE].add(partition)

    def contest(self, name: str) -> bool:
        """Whether what is in a field depends on the order of partitions."""
        setters = self._set.get(name, set()) | self._set.get(_WHOLE, set())
        return bool(setters) and len(setters | self._added.get(name, set())) > 1

    def contest_entry(self, index: Index) -> bool:
        """Whether an index entry does, its group or its score."""
        return any(self.contest(name) for name in (*index.group, index.order))
