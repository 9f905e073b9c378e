"""A domain that contradicts itself is refused, and both places are named."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from types import new_class
from typing import Any

import pytest

import handlers
import projections
from engine.core.decider import Decider
from engine.core.errors import Misregistered
from engine.core.messages import Command, CommandContext, Event, EventContext, Query
from engine.core.projection import Index, Operation, Projection, Row
from engine.core.registry import build, require_handled
from engine.core.signatures import place_of
from engine.core.views import Views


class Open(Command):
    """Open it."""


class Close(Command):
    """Close it."""


class Opened(Event):
    """It was opened."""

    by: str = ""


class Closed(Event):
    """It was closed."""


class Door(Row):
    """A door."""

    id: str
    by: str = ""


class GetDoor(Query[Door]):
    """One door."""

    id: str


class Clock:
    """A service."""


class Bell:
    """Another."""


def open_(_command: Open, _state: str) -> Opened:
    return Opened()


def close(_command: Close, _state: str) -> Closed:
    return Closed()


def evolve(_state: str, event: Opened | Closed) -> str:
    return "open" if isinstance(event, Opened) else "closed"


def on_opened(event: Opened, context: EventContext) -> Iterator[Operation]:
    raise NotImplementedError


def on_closed(_event: Closed) -> Iterator[Operation]:
    raise NotImplementedError


async def get_door(query: GetDoor, views: Views) -> Door:
    raise NotImplementedError


def decider(*decide: Callable[..., Any], kind: str = "door", **changed: Any) -> Decider[str]:
    """A decider of doors."""
    given: dict[str, Any] = {"kind": kind, "initial": "closed", "decide": decide, "evolve": evolve}
    return Decider(**given | changed)


def projection(*on: Callable[..., Any], name: str = "doors", **changed: Any) -> Projection[Door]:
    """A projection of doors."""
    given: dict[str, Any] = {"name": name, "row": Door, "on": on}
    return Projection(**given | changed)


def refusal(*args: Any, **kwargs: Any) -> str:
    """What `build` says against it."""
    with pytest.raises(Misregistered) as caught:
        build(*args, **kwargs)
    return str(caught.value)


# -- What is registered -----------------------------------------------------------------


def test_everything_is_found_by_the_name_that_travels() -> None:
    doors = projection(on_opened, on_closed)
    domain = build([decider(open_, close)], [doors], [get_door])
    assert set(domain.commands) == {"Open", "Close"}
    assert domain.commands["Open"].command is Open
    assert domain.commands["Open"].decide is open_
    assert domain.events == {"Opened": Opened, "Closed": Closed}
    assert domain.projections == {"doors": doors}
    assert domain.event_handlers["doors"]["Opened"].wants_context
    assert not domain.event_handlers["doors"]["Closed"].wants_context
    assert domain.queries["GetDoor"].answer is get_door


def test_events_are_decoded_by_name() -> None:
    domain = build([decider(open_, close)])
    assert domain.decode_event("Opened", b'{"by":"ada","later":1}') == Opened("ada")
    with pytest.raises(KeyError):
        domain.decode_event("Slammed", b"{}")


def test_the_order_shop_is_a_domain() -> None:
    domain = build(handlers.deciders, projections.projections, projections.queries)
    require_handled(domain, "handlers")
    assert set(domain.deciders) == {"order", "customer"}
    assert set(domain.projections) == {"orders", "customers"}
    assert set(domain.queries) == {"GetOrderById", "GetOrdersByCustomer", "GetCustomer"}


def test_a_function_may_take_several_messages() -> None:
    def both(_command: Open | Close, _state: str) -> None:
        """Neither opens nor closes."""

    def either(_event: Opened | Closed) -> Iterator[Operation]:
        raise NotImplementedError

    domain = build([decider(both)], [projection(either)])
    assert domain.commands["Open"].decide is domain.commands["Close"].decide is both
    assert set(domain.event_handlers["doors"]) == {"Opened", "Closed"}


def test_a_decider_may_be_async_and_is_handed_context_and_services() -> None:
    clock, bell = Clock(), Bell()

    async def ring(
        _command: Open, _state: str, bell: Bell, about: CommandContext, clock: Clock
    ) -> list[Any]:
        return [bell, about, clock]

    handler = build([decider(ring)], services=[clock, bell]).commands["Open"]
    assert handler.is_async
    assert handler.context == "about"
    given: Any = handler.decide(Open(), "closed", about="context")
    assert asyncio.run(given) == [bell, "context", clock]


def test_a_sync_decider_is_not_async() -> None:
    handler = build([decider(open_)]).commands["Open"]
    assert not handler.is_async
    assert handler.context is None


# -- What contradicts itself ------------------------------------------------------------


def test_two_functions_for_one_command_are_both_named() -> None:
    def again(_command: Open, _state: str) -> None:
        """Open it too."""

    said = refusal([decider(open_, again)])
    assert "two functions handle Open" in said
    assert place_of(open_) in said
    assert place_of(again) in said


def test_two_deciders_for_one_command_are_both_named() -> None:
    said = refusal([decider(open_), decider(open_, kind="window")])
    assert said.count(place_of(open_)) == 2


def test_two_deciders_for_one_kind() -> None:
    assert "the kind 'door'" in refusal([decider(open_), decider(close)])


@pytest.mark.parametrize("kind", ["", "front-door"])
def test_a_kind_is_what_stands_before_a_hyphen(kind: str) -> None:
    assert repr(kind) in refusal([decider(open_, kind=kind)])


@pytest.mark.parametrize("kind", ["front door", "door/front", "{door}", "x" * 300])
def test_a_kind_can_be_part_of_an_id(kind: str) -> None:
    assert repr(kind) in refusal([decider(open_, kind=kind)])


def test_two_events_of_one_name_are_both_named() -> None:
    other = new_class("Opened", (Event,))

    def on_other(_event: other) -> Iterator[Operation]:  # type: ignore[valid-type]
        raise NotImplementedError

    said = refusal([decider(open_)], [projection(on_other)])
    assert "two events are called Opened" in said
    assert place_of(Opened) in said


@pytest.mark.parametrize(
    "function",
    [
        lambda _command, _state: None,
        lambda: None,
    ],
)
def test_a_decider_says_what_it_takes(function: Callable[..., Any]) -> None:
    said = refusal([decider(function)])
    assert "must be annotated with a subclass of Command" in said
    assert place_of(function) in said


def test_a_decider_takes_commands_and_nothing_else() -> None:
    def wrong(_command: Open | str, _state: str) -> None:
        """Take what is no command."""

    assert place_of(wrong) in refusal([decider(wrong)])
    assert place_of(on_closed) in refusal([decider(on_closed)])


def test_evolve_says_which_events_there_are() -> None:
    def silent(state: str, _event: Any) -> str:
        return state

    said = refusal([decider(open_, evolve=silent)])
    assert "parameter 2 of silent must be annotated with a subclass of Event" in said


def test_an_annotation_that_cannot_be_read_is_named() -> None:
    def later(_command: "Slam", _state: str) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Take a command that nobody has heard of."""

    said = refusal([decider(later)])
    assert "'Slam' is not defined" in said
    assert "TYPE_CHECKING" in said
    assert place_of(later) in said


class Gong(Bell):
    """A bell, too."""


@pytest.mark.parametrize(
    ("services", "fit"), [([], 0), ([Clock()], 0), ([Bell(), Bell()], 2), ([Bell(), Gong()], 2)]
)
def test_exactly_one_service_fits(services: Sequence[object], fit: int) -> None:
    def ring(_command: Open, _state: str, bell: Bell) -> None:
        """Ring."""

    said = refusal([decider(ring)], services=services)
    assert f"{fit} services fit the parameter 'bell' of ring" in said
    assert place_of(ring) in said


def test_a_command_that_nobody_handles_is_named_with_its_place() -> None:
    domain = build([decider(open_)])
    with pytest.raises(Misregistered) as caught:
        require_handled(domain, __name__)
    assert f"nobody handles Close, defined at {place_of(Close)}" in str(caught.value)
    require_handled(build([decider(open_, close)]), __name__)


def test_commands_of_other_packages_are_their_own_business() -> None:
    require_handled(build(), "some_other_package")
    require_handled(build(), __name__[:-1])


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


# -- Places -----------------------------------------------------------------------------


def test_a_place_is_a_file_and_a_line() -> None:
    path, _, line = place_of(open_).rpartition(":")
    assert path.endswith("tests/core/test_registry.py")
    assert int(line) == open_.__code__.co_firstlineno
    assert place_of(Open).startswith(path)


def test_the_place_of_what_has_no_file() -> None:
    assert place_of(len) == "builtins.len"
