"""Projections and queries that contradict themselves are refused, as deciders are."""

from collections.abc import Iterator

import pytest

from engine.core.projection import Index, Operation, Row
from engine.core.registry import build
from engine.core.signatures import place_of
from engine.core.views import Views
from tests.core.doors import Clock, Door, GetDoor, Opened, get_door, on_opened, projection, refusal


def test_two_projections_of_one_name() -> None:
    assert "two projections are called 'doors'" in refusal([], [projection(), projection()])


@pytest.mark.parametrize("name", ["", "the doors", "doors@1", "doors:1"])
def test_a_projections_name_is_a_word(name: str) -> None:
    assert repr(name) in refusal([], [projection(name=name)])


def test_two_functions_of_a_projection_for_one_event() -> None:
    said = refusal([], [projection(on_opened, on_opened)])
    assert "two functions for Opened" in said
    assert place_of(on_opened) in said


def test_two_projections_may_take_one_event() -> None:
    domain = build([], [projection(on_opened), projection(on_opened, name="others")])
    assert set(domain.event_handlers["doors"]) == set(domain.event_handlers["others"])


@pytest.mark.parametrize("index", [Index("i", ("colour",), "id"), Index("i", ("id",), "colour")])
def test_an_index_names_fields_that_exist(index: Index) -> None:
    said = refusal([], [projection(indexes=[index])])
    assert "the index 'i' of 'doors' names the field 'colour'" in said
    assert place_of(Door) in said


@pytest.mark.parametrize(
    "indexes",
    [
        [Index("i", ("id",), "by"), Index("i", ("by",), "by")],
        [Index("i:d", ("id",), "by")],
        [Index("", ("id",), "by")],
    ],
    ids=["two of one name", "a colon", "empty"],
)
def test_an_indexs_name_is_a_word_and_its_own(indexes: list[Index]) -> None:
    assert "index" in refusal([], [projection(indexes=indexes)])


def test_two_functions_for_one_query_are_both_named() -> None:
    async def again(query: GetDoor, views: Views) -> Door:
        raise NotImplementedError

    said = refusal([], [], [get_door, again])
    assert "two functions answer GetDoor" in said
    assert place_of(get_door) in said
    assert place_of(again) in said


def test_a_query_function_is_async_and_takes_views() -> None:
    def answer(query: GetDoor) -> Door:
        raise NotImplementedError

    assert place_of(answer) in refusal([], [], [answer])


def test_a_projections_function_takes_an_event_and_perhaps_its_context() -> None:
    def on(_event: Opened, _clock: Clock) -> Iterator[Operation]:
        raise NotImplementedError

    assert place_of(on) in refusal([], [projection(on)])


class Guests(Row):
    """Who came through a door, and when last."""

    id: str
    last: tuple[str, ...] = ()
    count: int = 0


@pytest.mark.parametrize("index", [Index("i", ("last",), "count"), Index("i", ("id",), "last")])
def test_rows_are_neither_grouped_nor_ordered_by_a_list(index: Index) -> None:
    said = refusal([], [projection(row=Guests, indexes=[index])])
    assert "names the field 'last', which is a list" in said
    assert place_of(Guests) in said


def test_a_row_whose_fields_cannot_be_read_is_named() -> None:
    class Odd(Row):
        id: "Nobody"  # type: ignore[name-defined]  # noqa: F821

    said = refusal([], [projection(row=Odd)])
    assert "'Nobody' is not defined" in said
    assert place_of(Odd) in said
