"""A state that is changed other than through events is found, and the place in it is named."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import anyio.lowlevel
import msgspec
import pytest

from engine import Command, Decider, Event, Rejected
from engine.testing import engine, given
from engine.testing.contents import changes, contents_of


class Put(Command):
    name: str


class Was(Event):
    name: str
    count: int = 1


@dataclass
class Box:
    names: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def put(command: Put, _state: Box) -> Was:
    return Was(command.name)


def evolve(state: Box, event: Was) -> Box:
    return Box([*state.names, event.name], {**state.counts, event.name: event.count})


def box(decide: Callable[..., Any] = put, evolve: Callable[..., Box] = evolve) -> Decider[Box]:
    return Decider(kind="box", initial=Box(), decide=[decide], evolve=evolve)


def test_who_makes_new_states_is_left_in_peace() -> None:
    given(box(), Was("a")).when(Put(name="b")).then(Was("b"))


def test_a_decider_that_changes_its_state_is_found() -> None:
    def put_in(command: Put, state: Box) -> Was:
        state.names.append(command.name)
        state.counts["a"] += 1
        return Was(command.name)

    with pytest.raises(AssertionError) as caught:
        given(box(put_in), Was("a")).when(Put(name="b"))
    said = str(caught.value)
    assert said.startswith("deciding Put changed a state in place: state.names, its size: 1 → 2; ")
    assert "state.names[1]: nothing → 'b'" in said
    assert "state.counts['a']: 1 → 2" in said


def test_one_that_then_says_no_is_found_too() -> None:
    def refuse(_command: Put, state: Box) -> None:
        state.names.clear()
        raise Rejected("full", "it is full")

    with pytest.raises(AssertionError, match=r"state.names\[0\]: 'a' → nothing"):
        given(box(refuse), Was("a")).when(Put(name="b"))


def test_evolving_in_place_is_found_also_of_the_initial_state() -> None:
    def stuff(state: Box, event: Was) -> Box:
        state.names.append(event.name)
        return state

    with pytest.raises(AssertionError, match="evolving by Was changed a state in place"):
        given(box(evolve=stuff)).when(Put(name="b"))


def test_events_that_differ_are_told_field_by_field() -> None:
    decided = given(box()).when(Put(name="b"))
    with pytest.raises(AssertionError) as caught:
        decided.then(Was("b", 2), Was("c"))
    assert "\n  event 1, Was.count: 1; expected 2\n  event 2 is missing" in str(caught.value)


@pytest.mark.parametrize("how", ["at once", "later", "while events are taken"])
async def test_in_a_whole_engine_its_command_fails(how: str) -> None:
    def at_once(command: Put, state: Box) -> Was:
        state.names.append(command.name)
        return Was(command.name)

    async def later(command: Put, state: Box) -> Was:
        await anyio.lowlevel.checkpoint()
        return at_once(command, state)

    def taken(command: Put, state: Box) -> Iterator[Was]:
        yield at_once(command, state)

    decide = {"at once": at_once, "later": later}.get(how, taken)
    async with engine(SimpleNamespace(deciders=[box(decide)])) as semel:
        outcome = await semel.submit(Put(name="b"), aggregate="box-1")
        assert outcome.status == "failed"
        assert "state.names[0]: nothing → 'b'" in outcome.detail["message"]


async def test_in_a_whole_engine_evolving_is_watched_too() -> None:
    def stuff(state: Box, event: Was) -> Box:
        state.names.append(event.name)
        return state

    async with engine(SimpleNamespace(deciders=[box(evolve=stuff)])) as semel:
        outcome = await semel.submit(Put(name="b"), aggregate="box-1")
        assert "evolving by Was changed a state in place" in outcome.detail["message"]


class Colour(Enum):
    RED = 1


class Point(msgspec.Struct):
    at: int


@pytest.mark.parametrize(
    ("value", "change"),
    [
        (Point(1), lambda point: setattr(point, "at", 2)),
        (SimpleNamespace(a={1, 2}), lambda space: space.a.add(3)),
        ({"a": [Point(1)]}, lambda found: setattr(found["a"][0], "at", 2)),
        ([1, 2], lambda items: items.reverse()),
        ({"a": 1}, lambda found: found.pop("a")),
        ([Colour.RED, bytearray(b"x")], lambda items: items[1].append(1)),
    ],
)
def test_whatever_a_value_holds_is_looked_at(value: Any, change: Callable[[Any], Any]) -> None:
    before = contents_of(value)
    assert changes(before, contents_of(value)) == []
    change(value)
    assert changes(before, contents_of(value))


def test_what_holds_itself_has_an_end() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert changes(contents_of(loop), contents_of(loop)) == []
