"""Two kinds of aggregate that write one field of a row are found when they are registered."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import engine
from engine import Event, EventContext, Operation, add, append, delete, put
from engine import put as write
from engine.core.projection import Row
from engine.core.registry import build
from engine.core.signatures import place_of
from tests.core.doors import Closed, Opened, close, decider, evolve, projection, refusal


class Named(Event):
    """A person has a name."""

    door: str
    name: str


class Left(Event):
    """A person left."""

    door: str


class Moved(Event):
    """Persons and doors may move."""

    to: str


class Seen(Event):
    """Nobody decides this."""


class Entrance(Row):
    """A door, and who went through it."""

    id: str
    by: str = ""
    name: str = ""
    count: int = 0
    last: tuple[str, ...] = ()


def of_doors(state: str, _event: Opened | Closed | Moved) -> str:
    return state


def of_persons(state: str, _event: Named | Left | Moved) -> str:
    return state


DOORS = decider(close, evolve=of_doors)
PERSONS = decider(kind="person", evolve=of_persons)


def rows_of(*names: str) -> list[str]:
    return list(names)


# -- Functions of doors -------------------------------------------------------------------


def door_puts(event: Opened) -> Iterator[Operation]:
    yield put("front", by=event.by)


def door_appends(event: Opened, context: EventContext) -> Iterator[Operation]:
    yield append(f"front {context.time}", limit=20, last=event.by)


def door_adds(_event: Opened) -> Iterator[Operation]:
    yield add("front", count=1)


def door_puts_its_own(event: Opened, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, by=event.by, name=event.by)


def door_deletes_its_own(_event: Closed, about: EventContext) -> Iterator[Operation]:
    yield delete(about.aggregate)


# -- Functions of persons -----------------------------------------------------------------


def person_puts(event: Named, context: EventContext) -> Iterator[Operation]:
    if context.version > 1:
        yield put(event.door, by=event.name, name=event.name)


def person_puts_by_other_names(event: Named) -> list[Operation]:
    return [write(event.door, count=1), engine.put(event.door, by=event.name)]


def person_puts_a_number(event: Named) -> Iterator[Operation]:
    yield from (put(row, count=1) for row in rows_of(event.door))


def person_appends(event: Named) -> Iterator[Operation]:
    yield append(event.door, limit=5, last=event.name)


def person_adds(event: Named) -> Iterator[Operation]:
    yield add(event.door, count=1)


def person_deletes(event: Left) -> Iterator[Operation]:
    yield delete(event.door)


def person_puts_its_own(event: Named, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, name=event.name, by="nobody")


def person_puts_below_its_own(event: Named, context: EventContext) -> Iterator[Operation]:
    base = context.aggregate
    for row in rows_of(f"{base}/1", f"{base}/2"):
        yield put(row, name=event.name, by="nobody")


def person_puts_where_somebody_says(event: Named, context: EventContext) -> Iterator[Operation]:
    yield put(row_of(context), by=event.name)


def row_of(context: EventContext) -> str:
    return context.aggregate


def person_puts_what_nobody_knows(event: Named) -> Iterator[Operation]:
    fields: dict[str, Any] = {"by": event.name}
    yield put(event.door, name="", **fields)


def nobody_puts(_event: Seen) -> Iterator[Operation]:
    yield put("front", by="")


def who_moves_puts(event: Moved) -> Iterator[Operation]:
    yield put(event.to, by="")


def who_moves_puts_its_own(_event: Moved, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, by="")


def either_puts(event: Opened | Named) -> Iterator[Operation]:
    match event:
        case Opened():
            yield put("front", by=event.by)
        case Named():
            yield put(event.door, name=event.name)


lambda_puts = lambda event: [put(event.door, by="")]  # noqa: E731
lambda_puts.__annotations__ = {"event": Named}

On = Callable[..., Any]

TWO_WRITERS: list[tuple[On, On, str]] = [
    (door_puts, person_puts, "by"),
    (door_puts, person_puts_by_other_names, "by"),
    (door_puts_its_own, person_puts, "by"),
    (door_puts, person_puts_its_own, "by"),
    (door_appends, person_appends, "last"),
    (door_adds, person_puts_a_number, "count"),
    (door_adds, person_puts_by_other_names, "count"),
    (door_puts, person_deletes, "by"),
    (door_appends, person_deletes, "last"),
    (door_adds, person_deletes, "count"),
    (person_puts, door_deletes_its_own, "by"),
]

FINE: list[tuple[On, ...]] = [
    (door_adds, person_adds),
    (door_puts, person_appends),
    (door_puts_its_own, person_puts_its_own),
    (door_puts_its_own, person_puts_below_its_own),
    (door_puts_its_own, person_puts_where_somebody_says),
    (door_puts, person_puts_what_nobody_knows),
    (door_puts, nobody_puts),
    (door_puts, lambda_puts),
    (door_puts_its_own, door_deletes_its_own),
    (person_puts, person_deletes),
    (who_moves_puts_its_own, door_puts_its_own),
    (either_puts,),
]


@pytest.mark.parametrize(("one", "other", "field"), TWO_WRITERS)
@pytest.mark.parametrize("turned", [False, True])
def test_two_writers_are_both_named(one: On, other: On, field: str, *, turned: bool) -> None:
    on = (other, one) if turned else (one, other)
    said = refusal([PERSONS, DOORS], [projection(*on, row=Entrance)])
    assert f"the projection 'doors' has two writers of '{field}'" in said
    for function in on:
        assert f"{function.__name__} ({place_of(function)})" in said
    assert "on events of door" in said
    assert "on events of person" in said
    assert "join the two in the query; or have all of them `add`" in said


@pytest.mark.parametrize("on", FINE)
def test_what_is_one_writer_or_cannot_be_known_is_taken(on: tuple[On, ...]) -> None:
    build([PERSONS, DOORS], [projection(*on, row=Entrance)])


def test_an_event_of_two_kinds_makes_two_writers_of_one_function() -> None:
    said = refusal([PERSONS, DOORS], [projection(who_moves_puts, row=Entrance)])
    assert said.count("who_moves_puts") == 2
    build([DOORS], [projection(who_moves_puts, row=Entrance)])


def test_a_function_of_several_kinds_does_each_thing_for_one_of_them() -> None:
    said = refusal(
        [PERSONS, DOORS, decider(kind="guest", evolve=evolve_guest)],
        [projection(either_puts, guest_puts, row=Entrance)],
    )
    assert "puts it on events of door or person" in said


class Came(Event):
    """A guest came."""


def evolve_guest(state: str, _event: Came) -> str:
    return state


def guest_puts(_event: Came) -> Iterator[Operation]:
    yield put("front", by="guest")


def test_projections_alone_are_taken() -> None:
    build([], [projection(door_puts, person_puts, row=Entrance)])
    build([DOORS], [projection(door_puts, person_puts, row=Entrance)])
    build([decider(close, evolve=evolve)], [projection(door_puts, person_puts, row=Entrance)])


def test_two_projections_are_not_one() -> None:
    build(
        [PERSONS, DOORS],
        [projection(door_puts, row=Entrance), projection(person_puts, row=Entrance, name="others")],
    )
