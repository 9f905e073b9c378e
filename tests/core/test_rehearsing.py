"""What events would make of rows: what comes, changes and goes, and what cannot be applied."""

from collections.abc import Iterator

from engine.core import codec
from engine.core.messages import NO_META
from engine.core.projection import Operation, add, delete, put
from engine.core.records import LoggedEvent
from engine.core.registry import build
from engine.core.rehearsing import RowEffect, Touched
from tests.core.doors import Closed, Door, Opened, projection
from tests.core.things import NOON


def opens(event: Opened) -> Iterator[Operation]:
    if not event.by:
        raise ValueError("nobody opened it")
    yield put("d", by=event.by)


def closes(_event: Closed) -> Iterator[Operation]:
    yield delete("d")


def touched(*events: Opened | Closed) -> Touched:
    doors = projection(opens, closes)
    found = Touched(build(projections=[doors]), doors)
    for n, event in enumerate(events, 1):
        meta = codec.event_meta("c", f"{n}-0", NOON, NO_META)
        name = type(event).__name__
        found.take(3, LoggedEvent(n, "door-1", n, name, codec.encode(event), meta))
    return found


def effect(standing: dict[str, str], *events: Opened | Closed) -> list[RowEffect]:
    return list(touched(*events).effects(3, {"d": standing}))


STANDS = {"id": "d", "by": "Ada", "_at:1": "7"}


def test_a_row_comes_changes_and_goes() -> None:
    new = RowEffect("doors", "d", {"by": (None, "Eve")}, is_new=True)
    assert effect({}, Opened("Eve")) == [new]
    assert effect({"_deleted": "1"}, Opened("Eve")) == [new]
    assert effect(STANDS, Opened("Eve")) == [RowEffect("doors", "d", {"by": ("Ada", "Eve")})]
    gone = RowEffect("doors", "d", {"id": ("d", None), "by": ("Ada", None)}, is_deleted=True)
    assert effect(STANDS, Closed()) == [gone]


def test_what_several_events_come_to_is_told_once() -> None:
    assert effect(STANDS, Opened("Eve"), Opened("Ada")) == []
    assert effect({}, Opened("Eve"), Closed()) == []


def test_what_cannot_be_applied_is_said_and_the_rest_is_shown() -> None:
    found = touched(Opened("Eve"), Opened(""), Closed())
    assert [each.fields for each in found.effects(3, {"d": {}})] == [{"by": (None, "Eve")}]
    assert found.failure == "doors cannot apply Opened: ValueError: nobody opened it"


def test_a_row_that_cannot_take_a_change_is_named() -> None:
    def counts(_event: Opened) -> Iterator[Operation]:
        yield add("d", count=1)

    class Counted(Door):
        count: int = 0

    doors = projection(counts, row=Counted)
    found = Touched(build(projections=[doors]), doors)
    meta = codec.event_meta("c", "1-0", NOON, NO_META)
    found.take(0, LoggedEvent(1, "door-1", 1, "Opened", b"{}", meta))
    assert list(found.effects(0, {"d": {"count": "many"}})) == []
    assert found.failure.startswith("doors cannot change d: 'many' is not a number")
