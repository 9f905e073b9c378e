"""What the shop's own tests are written with: given events, when a command, then events.

Nothing here needs a server. Whatever events pass through are encoded and decoded on the
way, so that a test also shows that they can be stored.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

import anyio
import msgspec

from engine import (
    Command,
    CommandContext,
    Event,
    EventContext,
    NotFound,
    Page,
    Projection,
    Rejected,
)
from engine.core import codec, registry
from engine.core.changes import changes_of
from engine.core.decider import Decider, events_of
from engine.core.projection import AnyRow
from engine.core.records import RowChange
from engine.core.scalars import as_row, as_text

EPOCH = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
"""When the first thing happens in a test that does not say otherwise."""

Answer = TypeVar("Answer")


def stored(event: Event) -> Event:
    """The event as it comes back from where it was stored."""
    return msgspec.json.decode(codec.encode(event), type=type(event))


# -- Deciders ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Decided:
    """What a command came to: its events and the state after them, or a rejection."""

    events: tuple[Event, ...] = ()
    state: Any = None
    rejection: Rejected | None = None

    def then(self, *expected: Event) -> "Decided":
        """The command was accepted, and these events follow from it, in this order."""
        assert self.rejection is None, f"was rejected: {self.rejection}"
        assert self.events == expected
        return self

    def then_rejected(self, code: str) -> Rejected:
        """The command was rejected with this code; returns the rejection."""
        assert self.rejection is not None, f"was accepted: {self.events}"
        assert self.rejection.code == code
        return self.rejection


@dataclass(frozen=True)
class Given:
    """An aggregate with a history."""

    decider: Decider[Any]
    history: tuple[Event, ...]
    services: Sequence[object] = ()

    def when(self, command: Command, context: CommandContext | None = None) -> Decided:
        """What its decider says to a command."""
        domain = registry.build([self.decider], services=self.services)
        handler = domain.commands[type(command).__name__]
        about = {handler.context: context} if handler.context else {}
        state = self._evolved(self.decider.initial, self.history)
        try:
            answer = handler.decide(command, state, **about)
            if isinstance(answer, Coroutine):
                answer = run(answer)
            events = tuple(stored(event) for event in events_of(answer))  # type: ignore[arg-type]
        except Rejected as no:
            return Decided(rejection=no, state=state)
        return Decided(events, self._evolved(state, events))

    def _evolved(self, state: Any, events: Sequence[Event]) -> Any:
        for event in events:
            state = self.decider.evolve(state, stored(event))
        return state


def given(decider: Decider[Any], *history: Event, services: Sequence[object] = ()) -> Given:
    """An aggregate to which these events have happened."""
    return Given(decider, history, services)


def run(answer: Coroutine[Any, Any, Answer]) -> Answer:
    """Wait for an async decider or query."""

    async def wait() -> Answer:
        return await answer

    return anyio.run(wait)


# -- Projections ------------------------------------------------------------------------


class Happened(NamedTuple):
    """An event of an aggregate; without a time it is one minute after the one before."""

    aggregate: str
    event: Event
    time: datetime | None = None


class ReadModel(Generic[AnyRow]):
    """A projection's rows, kept in a dict: what the engine keeps in Redis hashes."""

    def __init__(self, projection: Projection[AnyRow]) -> None:
        self.projection = projection
        self.hashes: dict[str, dict[str, str]] = {}
        self._handlers = registry.build(projections=[projection]).event_handlers[projection.name]
        self._versions: dict[str, int] = {}
        self._position = 0
        self._time = EPOCH

    def apply(self, happened: Happened) -> None:
        """Turn one more event into rows; events the projection does not take pass by."""
        self._position += 1
        self._time = happened.time or self._time + timedelta(minutes=1)
        version = self._versions[happened.aggregate] = self._versions.get(happened.aggregate, 0) + 1
        handler = self._handlers.get(type(happened.event).__name__)
        if handler is None:
            return
        context = EventContext(
            aggregate=happened.aggregate,
            version=version,
            partition=0,
            position=self._position,
            time=self._time,
            command=f"command-{self._position}",
            entry=f"{self._position}-0",
        )
        about = [context] if handler.wants_context else []
        operations = handler.apply(stored(happened.event), *about)
        for change in changes_of(self.projection, self._position, operations):
            self._write(change)

    def _write(self, change: RowChange) -> None:
        """In the order of the script that does it in Redis: wipe, put, add, drop."""
        row = {} if change.wipe else self.hashes.setdefault(change.row, {})
        row |= _pairs(change.put)
        for name, amount in _pairs(change.add).items():
            row[name] = as_text(Decimal(row.get(name, "0")) + Decimal(amount))
        for name in change.drop:
            row.pop(name, None)
        self.hashes[change.row] = row

    def rows(self) -> dict[str, AnyRow]:
        """All rows that there are, typed, by id."""
        typed = {id_: as_row(self.projection.row, id_, row) for id_, row in self.hashes.items()}
        return {id_: row for id_, row in typed.items() if row is not None}


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def read_model(projection: Projection[AnyRow], *history: Happened) -> ReadModel[AnyRow]:
    """A projection after these events."""
    model = ReadModel(projection)
    for happened in history:
        model.apply(happened)
    return model


def rows_after(projection: Projection[AnyRow], *history: Happened) -> dict[str, AnyRow]:
    """A projection's rows after these events, by id."""
    return read_model(projection, *history).rows()


# -- Queries ----------------------------------------------------------------------------


class MemoryViews:
    """What query handlers are given, over read models that a test has made."""

    def __init__(self, *models: ReadModel[Any]) -> None:
        self._rows: Mapping[str, Mapping[str, Any]] = {m.projection.name: m.rows() for m in models}

    async def get(self, projection: Projection[AnyRow], row_id: str) -> AnyRow:
        """One row."""
        [row] = await self.find(projection, [row_id])
        if row is None:
            raise NotFound(f"{projection.name} has no row {row_id!r}")
        return row

    async def find(self, projection: Projection[AnyRow], ids: Sequence[str]) -> list[AnyRow | None]:
        """Several rows."""
        return [self._rows[projection.name].get(row_id) for row_id in ids]

    async def page(
        self,
        projection: Projection[AnyRow],
        index: str,
        *group: str,
        page: int = 1,
        page_size: int = 20,
        newest_first: bool = True,
    ) -> Page[AnyRow]:
        """One page of an index's group."""
        [by] = [declared for declared in projection.indexes if declared.name == index]
        members = sorted(
            (getattr(row, by.order), row_id, row)
            for row_id, row in self._rows[projection.name].items()
            if tuple(as_text(getattr(row, name)) for name in by.group) == group
        )
        if newest_first:
            members.reverse()
        start = (page - 1) * page_size
        items = [row for _, _, row in members[start : start + page_size]]
        return Page(items=items, page=page, page_size=page_size, total=len(members))
