"""Projections and queries: given events, or rows, then rows, groups and answers."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from engine.core import codec, registry
from engine.core.changes import changes_of
from engine.core.errors import Misuse
from engine.core.fold import group_name
from engine.core.lists import LIST_LIMIT, list_fields
from engine.core.messages import NO_META, Event, Query
from engine.core.projecting import Projecting, projecting
from engine.core.projection import AnyRow, Append, Operation, Projection, delete, put
from engine.core.records import LoggedEvent, RowChange
from engine.core.scalars import as_row
from engine.core.services import Queries
from engine.core.views import Views
from engine.edge.asking import AskedOf
from engine.edge.queries import RowViews
from engine.testing.deciding import NOON, awaited
from engine.testing.held import Held, differing

Answer = TypeVar("Answer")
AnyQuery = TypeVar("AnyQuery", bound=Query[Any])


class Happened(NamedTuple):
    """An event of an aggregate; without a time it is one minute after the one before."""

    aggregate: str
    event: Event
    time: datetime | None = None


class ReadModels:
    """Rows and indexes of some projections, in memory, and the queries that read them.

    Every event is also applied twice, as after a crash, and all of one `after` in one step, as
    where many come at once: `AssertionError` where rows or indexes come out otherwise.
    """

    def __init__(
        self, *projections: Projection[Any], queries: Sequence[Callable[..., Any]] = ()
    ) -> None:
        self._domain = registry.build(projections=projections, queries=queries)
        self._project: dict[str, Projecting] = {
            each.name: projecting(self._domain, each) for each in projections
        }
        self._held = Held()
        self._others = {"every event is applied twice": Held(), "all are applied at once": Held()}
        self._versions: dict[str, int] = {}
        self._position, self._time = 0, NOON

    def after(self, *history: Happened) -> Self:
        """Apply some more events, in this order; those that nobody takes pass by."""
        done: dict[str, list[RowChange]] = {name: [] for name in self._project}
        redone: dict[str, list[RowChange]] = {name: [] for name in self._project}
        twice, at_once = self._others.values()
        for happened in history:
            self._position += 1
            self._time = happened.time or self._time + timedelta(minutes=1)
            event = self._logged(happened.aggregate, happened.event)
            for name, project in self._project.items():
                projection = self._domain.projections[name]
                changes, again = project(0, event), project(0, event)
                self._held.write(projection, changes)
                for attempt in (again, changes):
                    twice.write(projection, attempt)
                done[name] += changes
                redone[name] += again
        for name, changes in done.items():
            projection = self._domain.projections[name]
            at_once.write(projection, changes)
            self._require_alike(projection, {each.row for each in (*changes, *redone[name])})
        return self

    def holding(self, projection: Projection[AnyRow], rows: Mapping[str, AnyRow]) -> Self:
        """Have these rows stand there, by their ids, whichever events they came from."""
        for id, row in rows.items():
            fields = msgspec.structs.asdict(row)
            lists = {name: fields.pop(name) for name in list_fields(type(row))}
            operations: list[Operation] = [delete(id), put(id, **fields)]
            for name, items in lists.items():
                operations += [Append(id, LIST_LIMIT, {name: item}) for item in items]
            self._position += 1
            for held in (self._held, *self._others.values()):
                held.write(projection, changes_of(projection, self._position, operations))
        return self

    def rows(self, projection: Projection[AnyRow]) -> dict[str, AnyRow]:
        """All rows that there are, typed, by id."""
        typed = {
            id: as_row(projection.row, id, fields) for id, fields in self.hashes(projection).items()
        }
        return {id: row for id, row in typed.items() if row is not None}

    def hashes(self, projection: Projection[Any]) -> dict[str, dict[str, str]]:
        """All rows as Redis would hold them, tombstones and what is the engine's included."""
        return self._held.hashes(projection.name)

    def group(self, projection: Projection[Any], index: str, *group: str) -> list[str]:
        """The ids of the rows in a group of an index, in its order, the first one first."""
        declared = {each.name: each.group for each in projection.indexes}
        if index not in declared or len(declared[index]) != len(group):
            raise Misuse(f"{projection.name} has no index {index!r} of {group}; it has {declared}")
        return self._held.ordered(projection, index, group_name(group))

    @property
    def views(self) -> Views:
        """What query handlers are given: for tests that await them themselves."""
        return RowViews(self._held.reader, self._domain, self._held.reader.live)

    @property
    def queries(self) -> Queries:
        """The ``queries`` as deciders ask them: ``given(decider, services=[shop.queries])``."""
        return AskedOf(self._domain, lambda: self.views)

    def ask(
        self, handler: Callable[[AnyQuery, Views], Coroutine[Any, Any, Answer]], query: AnyQuery
    ) -> Answer:
        """What a query handler answers, or raises."""
        return awaited(handler(query, self.views))

    def _logged(self, aggregate: str, event: Event) -> LoggedEvent:
        """An event as the log would hold it."""
        version = self._versions[aggregate] = self._versions.get(aggregate, 0) + 1
        position = self._position
        meta = codec.event_meta(f"command-{position}", f"{position}-0", self._time, NO_META)
        kind = type(event)
        if kind.__event_version__ > 1:
            meta = codec.of_version(meta, kind.__event_version__)
        return LoggedEvent(position, aggregate, version, kind.__name__, codec.encode(event), meta)

    def _require_alike(self, projection: Projection[Any], rows: Iterable[str]) -> None:
        """Raise `AssertionError` where another way to apply the events made other rows."""
        for how, other in self._others.items():
            for row in sorted(rows):
                for said in differing(self._held, other, projection, row):
                    raise AssertionError(
                        f"{projection.name} comes out otherwise when {how}: {said}. What a "
                        f"projection yields must follow from its event alone"
                    )
