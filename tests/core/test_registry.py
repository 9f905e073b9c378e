"""A domain that contradicts itself is refused, and both places are named."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import new_class
from typing import Any

import pytest

import handlers
import projections
from engine.core.errors import Misregistered, Unreadable
from engine.core.messages import CommandContext, Event
from engine.core.packages import domain_from
from engine.core.projection import Operation
from engine.core.registry import build, require_handled
from engine.core.retry import Retry
from engine.core.signatures import place_of
from engine.testing import NOON
from tests.core.doors import (
    Bell,
    Clock,
    Close,
    Closed,
    Open,
    Opened,
    close,
    decider,
    get_door,
    on_closed,
    on_opened,
    open_,
    projection,
    refusal,
)

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
    assert domain.decode_event("Opened", b'{"by":"ada","later":1}', b"{}") == Opened("ada")
    with pytest.raises(Unreadable, match="no event Slammed is known here"):
        domain.decode_event("Slammed", b"{}", b"{}")


def test_the_order_shop_is_a_domain() -> None:
    domain = domain_from(handlers, projections)
    require_handled(domain, "handlers")
    assert set(domain.deciders) == {"order", "customer", "product", "fulfilment"}
    assert set(domain.projections) == {"orders", "customers", "stock"}
    assert set(domain.queries) == {
        "GetOrderById", "GetOrdersByCustomer", "GetCustomer", "GetStock", "GetStockList",
    }  # fmt: skip


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
    here = CommandContext("c-1", "1-0", "Open", "door-1", NOON)
    given: Any = handler.ask(Open(), "closed", lambda: here)
    assert asyncio.run(given) == [bell, here, clock]


def test_a_sync_decider_is_not_async() -> None:
    handler = build([decider(open_)]).commands["Open"]
    assert not handler.is_async
    assert not handler.per_command


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


def test_retries_are_limited_by_the_decider_of_a_command() -> None:
    limits = Retry(attempts=3)
    domain = build([replace(decider(open_, close), retry={Close: limits})])
    assert (domain.commands["Close"].retry, domain.commands["Open"].retry) == (limits, Retry())
    said = refusal([replace(decider(open_), retry={Close: limits})])
    assert "limits retries of Close, which it does not decide" in said


def test_a_command_that_nobody_handles_is_named_with_its_place() -> None:
    domain = build([decider(open_)])
    with pytest.raises(Misregistered) as caught:
        require_handled(domain, Close.__module__)
    assert f"nobody handles Close, defined at {place_of(Close)}" in str(caught.value)
    require_handled(build([decider(open_, close)]), Close.__module__)


def test_commands_of_other_packages_are_their_own_business() -> None:
    require_handled(build(), "some_other_package")
    require_handled(build(), __name__[:-1])
