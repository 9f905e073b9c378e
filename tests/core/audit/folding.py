"""A little projection whose rows belong to things, and events for it."""

from collections.abc import Iterator

import msgspec

from engine.core import registry
from engine.core.audit.moment import Group, Moment, SeenRow
from engine.core.audit.refold import Refold
from engine.core.messages import Event, EventContext
from engine.core.projection import Index, Operation, Projection, Row, add, delete, put
from engine.core.records import LoggedEvent

META = b'{"causation":"c","entry":"1-0","time":"2026-01-31T12:00:00Z"}'
FAR = Moment([99, 99])
"""Far beyond all that happens here, in two partitions."""


class Painted(Event):
    colour: str
    rank: int


class Counted(Event):
    row: str
    n: int


class Named(Event):
    row: str
    name: str


class Bleached(Event):
    pass


class Removed(Event):
    pass


class Cursed(Event):
    pass


class Thing(Row):
    id: str
    colour: str | None = None
    rank: int = 0
    n: int = 0
    name: str = ""


def on_painted(event: Painted, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, colour=event.colour, rank=event.rank)


def on_counted(event: Counted) -> Iterator[Operation]:
    yield add(event.row, n=event.n)


def on_named(event: Named) -> Iterator[Operation]:
    yield put(event.row, name=event.name)


def on_bleached(_event: Bleached, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, colour=None)


def on_removed(_event: Removed, context: EventContext) -> Iterator[Operation]:
    yield delete(context.aggregate)


def on_cursed(_event: Cursed) -> Iterator[Operation]:
    raise ValueError("cursed")
    yield


things = Projection(
    name="things",
    row=Thing,
    on=[on_painted, on_counted, on_named, on_bleached, on_removed, on_cursed],
    indexes=[Index("by_colour", ("colour",), order="rank")],
)
DOMAIN = registry.build(projections=[things])
RED, BLUE = ("by_colour", "red"), ("by_colour", "blue")


def happened(position: int, event: Event, aggregate: str = "thing-1") -> LoggedEvent:
    data = msgspec.json.encode(event)
    return LoggedEvent(position, aggregate, position, type(event).__name__, data, META)


def refolded(*events: LoggedEvent, moment: Moment = FAR, closely: bool = False) -> Refold:
    """Thing-1 as these events of partition 0 make it, up to a moment."""
    refold = Refold(DOMAIN, things, closely=closely)
    refold.expect(moment, "thing-1")
    for event in events:
        refold.take(0, event)
    return refold


def seen(fields: dict[str, str], moment: Moment = FAR, **entries: float) -> SeenRow:
    """Thing-1 as somebody read it; entries by the group of their colour."""
    groups: dict[Group, float | None] = dict.fromkeys((RED, BLUE))
    groups |= {("by_colour", group): float(score) for group, score in entries.items()}
    return SeenRow("thing-1", fields, groups, moment)
