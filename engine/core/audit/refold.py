"""Some rows of a generation, folded anew from the log, each up to the moment it was read at."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from engine.core.audit.contested import Writers
from engine.core.audit.moment import Moment
from engine.core.fold import WATERMARK, RowFold
from engine.core.projecting import projecting
from engine.core.projection import Projection
from engine.core.records import LoggedEvent, RowChange
from engine.core.registry import Domain

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[dict[str, str], dict[str, tuple[str, float]]]).decode

_NOTHING = _pack(({}, {}))


class FoldedRow:
    """A row as the log makes it: its hash, and by index the group it is in and its score.

    It is kept packed: many are held at a time, and a dict takes five times as much.
    """

    __slots__ = ("_packed",)

    def __init__(self) -> None:
        self._packed = _NOTHING

    @property
    def content(self) -> tuple[dict[str, str], dict[str, tuple[str, float]]]:
        """Fields, and entries by index."""
        return _unpack(self._packed)

    @property
    def is_there(self) -> bool:
        """Whether any event makes it, be it a tombstone."""
        return self._packed != _NOTHING

    def fold(self, projection: Projection[Any], partition: int, change: RowChange) -> None:
        """Take one change in."""
        found, entries = _unpack(self._packed)
        row = RowFold(change.row, f"{WATERMARK}{partition}", found)
        row.fold(change)
        if not row.dirty:
            return

        def standing(index: str, group: str) -> Mapping[str, float]:
            inside = entries.get(index)
            is_in = inside is not None and inside[0] == group
            return {change.row: inside[1]} if inside is not None and is_in else {}

        for move in row.moves(projection.indexes, standing):
            entries.pop(move.index_name, None)
            if move.enters is not None:
                entries[move.index_name] = (move.enters, move.score)
        self._packed = _pack((row.fields(), entries))


class Expected(FoldedRow):
    """A row that is folded up to a moment; ``writers`` where that was asked for.

    ``as_read`` is for whoever compares it with something that is not kept whole.
    """

    __slots__ = ("as_read", "moment", "writers")

    def __init__(self, moment: Moment, writers: Writers | None, as_read: bytes) -> None:
        super().__init__()
        self.moment, self.writers, self.as_read = moment, writers, as_read


class Failure(NamedTuple):
    """An event at which the projection's code raises, although some row has taken it."""

    partition: int
    position: int
    error: str


class Refold:
    """Rows while the log goes by, partition by partition, each in order.

    ``closely`` also notes who writes which field. ``stranger`` is told of changes to rows that
    nobody expects.
    """

    def __init__(
        self,
        domain: Domain,
        projection: Projection[Any],
        *,
        closely: bool = False,
        stranger: Callable[[int, LoggedEvent, RowChange], None] | None = None,
    ) -> None:
        self._projection, self._closely, self._stranger = projection, closely, stranger
        self._project = projecting(domain, projection)
        self._moments: dict[int, Moment] = {}
        self.rows: dict[str, Expected] = {}
        self.failure: Failure | None = None

    def expect(self, moment: Moment, row: str | None = None, as_read: bytes = b"") -> None:
        """Fold up to this moment, and this row to there; the last one said of a row counts."""
        self._moments[id(moment)] = moment
        if row is not None:
            writers = Writers() if self._closely else None
            self.rows[row] = Expected(moment, writers, as_read)

    def upto(self, partition: int) -> int:
        """The position of the last event that is wanted of a partition."""
        return max((moment.positions[partition] for moment in self._moments.values()), default=0)

    def take(self, partition: int, event: LoggedEvent) -> None:
        """Fold one event; where the projection's code raises, that is the end of it.

        But not at an event that no row has taken: so it is with those that are parked.
        """
        if self.failure is not None:
            return
        try:
            changes = self._project(partition, event)
        except Exception as error:  # noqa: BLE001 -- the boundary to the projection's code: reported
            if any(moment.takes(partition, event) for moment in self._moments.values()):
                said = f"{type(error).__name__}: {error}"
                self.failure = Failure(partition, event.position, said)
            return
        for change in changes:
            expected = self.rows.get(change.row)
            if expected is None:
                if self._stranger is not None:
                    self._stranger(partition, event, change)
            elif expected.moment.takes(partition, event):
                expected.fold(self._projection, partition, change)
                if expected.writers is not None:
                    expected.writers.note(partition, change)
