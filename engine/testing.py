"""Testing a domain with no server: given events, when a command, then events; or then rows.

::

    given(decider, OrderCreated(…)).when(ShipOrder()).then(OrderShipped())
    given(decider).when(ShipOrder()).then_rejected("order_unknown")

    shop = ReadModels(orders, customers).after(
        Happened("customer-c-1", CustomerRegistered("Ada")),
        Happened("order-1", OrderCreated(…)),
    )
    assert shop.rows(orders)["order-1"].item_count == 2
    assert shop.group(orders, "by_customer", "c-1") == ["order-1"]
    assert shop.ask(get_order_by_id, GetOrderById(order_id="order-1")).customer_name == "Ada"

    given(decider, recorded(OrderCreated, 1, {…}, upcasters)).when(…)  # what version 1 stored

Everything is encoded and decoded on its way, as it is in Redis, and rows and indexes are those
of the store in memory: what holds here holds there. Nothing here needs an ``async`` test.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self, TypeVar, cast

import anyio
import msgspec

from engine.core import codec, registry
from engine.core.changes import changes_of
from engine.core.decider import Decider, Decision, events_of
from engine.core.errors import Misuse, Rejected
from engine.core.fold import WATERMARK, group_name
from engine.core.lists import LIST_LIMIT, list_fields
from engine.core.messages import NO_META, Command, CommandContext, Event, Query
from engine.core.projecting import Projecting, projecting
from engine.core.projection import AnyRow, Append, Operation, Projection, delete, put
from engine.core.records import LoggedEvent, RowChange
from engine.core.scalars import as_row
from engine.core.upcasting import recorded
from engine.core.views import Views
from engine.edge.queries import RowViews
from engine.store.keys import Keys
from engine.store.memory import MemoryServer
from engine.store.memory.apply import Place, apply
from engine.store.memory.views import MemoryRows, views_only

__all__ = ["NOON", "Decided", "Given", "Happened", "ReadModels", "given", "recorded"]

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
"""When a command is decided in a test that does not say otherwise."""

Answer = TypeVar("Answer")
AnyQuery = TypeVar("AnyQuery", bound=Query[Any])

# -- Deciders ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Decided:
    """What a command came to: its events, or a rejection; and the state after it."""

    events: tuple[Event, ...]
    state: Any
    rejection: Rejected | None = None

    def then(self, *expected: Event) -> Self:
        """The command was accepted, and these events follow from it, in this order."""
        if self.rejection is not None:
            raise AssertionError(f"it was rejected, {self.rejection}; expected {_shown(expected)}")
        if self.events != expected:
            raise AssertionError(f"it decided {_shown(self.events)}; expected {_shown(expected)}")
        return self

    def then_rejected(self, code: str) -> Rejected:
        """The command was rejected with this code; returns the rejection, to look closer."""
        if self.rejection is None:
            raise AssertionError(
                f"it decided {_shown(self.events)}; expected to be rejected: {code}"
            )
        if self.rejection.code != code:
            raise AssertionError(f"it was rejected, {self.rejection}; expected the code {code}")
        return self.rejection


@dataclass(frozen=True)
class Given:
    """An aggregate with a history, and the services that its decider may ask for."""

    decider: Decider[Any]
    history: tuple[Event, ...]
    services: Sequence[object] = ()

    def when(self, command: Command, context: CommandContext | None = None) -> Decided:
        """What the decider says to a command; whatever else it raises comes out as it is.

        Unless a ``context`` is given, the command came at `NOON` and says nothing of a user.
        """
        name = type(command).__name__
        handlers = registry.build([self.decider], services=self.services).commands
        if name not in handlers:
            raise Misuse(
                f"the decider of {self.decider.kind!r} takes no {name}; it takes "
                f"{', '.join(handlers)}"
            )
        handler, about = handlers[name], {}
        if handler.context is not None:
            here = CommandContext("command-1", "1-0", name, f"{self.decider.kind}-1", NOON)
            about[handler.context] = context or here
        state = self._evolved(self.decider.initial, self.history)
        try:
            decision = handler.decide(command, state, **about)
            if isinstance(decision, Coroutine):
                decision = _awaited(decision)
            events = events_of(cast("Decision", decision))
        except Rejected as no:
            return Decided((), state, no)
        events = tuple(map(_stored, events))
        return Decided(events, self._evolved(state, events))

    def _evolved(self, state: Any, events: Sequence[Event]) -> Any:
        for event in events:
            state = self.decider.evolve(state, _stored(event))
        return state


def given(decider: Decider[Any], *history: Event, services: Sequence[object] = ()) -> Given:
    """An aggregate to which these events have happened."""
    return Given(decider, history, services)


# -- Projections and queries ------------------------------------------------------------


class Happened(NamedTuple):
    """An event of an aggregate; without a time it is one minute after the one before."""

    aggregate: str
    event: Event
    time: datetime | None = None


class ReadModels:
    """Rows and indexes of some projections, in memory, and the queries that read them."""

    def __init__(self, *projections: Projection[Any]) -> None:
        self._domain = registry.build(projections=projections)
        self._project: dict[str, Projecting] = {
            each.name: projecting(self._domain, each) for each in projections
        }
        self._keys, server = Keys("testing"), MemoryServer()
        self._data = server.data
        self._rows = MemoryRows(views_only(server.connect(), self._keys), self._keys)
        self._versions: dict[str, int] = {}
        self._position, self._time = 0, NOON

    def after(self, *history: Happened) -> Self:
        """Apply some more events, in this order; those that nobody takes pass by."""
        for happened in history:
            self._position += 1
            self._time = happened.time or self._time + timedelta(minutes=1)
            event = self._logged(happened.aggregate, happened.event)
            for name, project in self._project.items():
                self._write(self._domain.projections[name], project(0, event))
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
            self._write(projection, changes_of(projection, self._position, operations))
        return self

    def rows(self, projection: Projection[AnyRow]) -> dict[str, AnyRow]:
        """All rows that there are, typed, by id."""
        typed = {
            id: as_row(projection.row, id, fields) for id, fields in self.hashes(projection).items()
        }
        return {id: row for id, row in typed.items() if row is not None}

    def hashes(self, projection: Projection[Any]) -> dict[str, dict[str, str]]:
        """All rows as Redis would hold them, tombstones and what is the engine's included."""
        prefix = self._keys.row(projection.name, 1, "")
        found = self._data.dump()
        return {key.removeprefix(prefix): found[key] for key in found if key.startswith(prefix)}

    def group(self, projection: Projection[Any], index: str, *group: str) -> list[str]:
        """The ids of the rows in a group of an index, in its order, the first one first."""
        declared = {each.name: each.group for each in projection.indexes}
        if index not in declared or len(declared[index]) != len(group):
            raise Misuse(f"{projection.name} has no index {index!r} of {group}; it has {declared}")
        key = self._place(projection).group_key(index, group_name(group))
        return self._data.ranking(key).ordered()

    @property
    def views(self) -> Views:
        """What query handlers are given: for tests that await them themselves."""
        return RowViews(self._rows, self._domain, self._rows.live)

    def ask(
        self, handler: Callable[[AnyQuery, Views], Coroutine[Any, Any, Answer]], query: AnyQuery
    ) -> Answer:
        """What a query handler answers, or raises."""
        return _awaited(handler(query, self.views))

    def _logged(self, aggregate: str, event: Event) -> LoggedEvent:
        """An event as the log would hold it."""
        version = self._versions[aggregate] = self._versions.get(aggregate, 0) + 1
        position = self._position
        meta = codec.event_meta(f"command-{position}", f"{position}-0", self._time, NO_META)
        kind = type(event)
        if kind.__event_version__ > 1:
            meta = codec.of_version(meta, kind.__event_version__)
        return LoggedEvent(position, aggregate, version, kind.__name__, codec.encode(event), meta)

    def _write(self, projection: Projection[Any], changes: Sequence[RowChange]) -> None:
        apply(self._data, self._place(projection), changes)

    def _place(self, projection: Projection[Any]) -> Place:
        row, index = self._keys.row, self._keys.index
        name = projection.name
        return Place(f"{WATERMARK}0", row(name, 1, ""), index(name, 1, ""), projection.indexes)


def _awaited(answer: Coroutine[Any, Any, Answer]) -> Answer:
    async def wait() -> Answer:
        return await answer

    return anyio.run(wait)


def _stored(event: Event) -> Event:
    """The event as it comes back from where it was stored."""
    return msgspec.json.decode(codec.encode(event), type=type(event))


def _shown(events: Sequence[Event]) -> str:
    return ", ".join(map(repr, events)) or "no events"
