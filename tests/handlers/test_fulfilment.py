"""The rules of fulfilment: confirmed once all is reserved, given up once one is not."""

from datetime import timedelta
from functools import partial

import pytest

from engine import Command, Event, cancel_timer, set_timer, testing
from handlers.fulfilment import (
    AllReserved,
    BeginFulfilment,
    ExpireFulfilment,
    FulfilmentBegun,
    FulfilmentConfirmed,
    FulfilmentFailed,
    Line,
    NoteCancelled,
    NoteConfirmed,
    NoteRefused,
    NoteReserved,
    NoteShipped,
    ProductReserved,
    ReservationsReleased,
    ReservationsShipped,
    decider,
)
from handlers.inventory import FulfilmentSettings

given = partial(testing.given, services=[FulfilmentSettings(enabled=True, confirm_seconds=60)])

LINES = (Line("p-1", 2), Line("p-2", 3))
BEGIN = BeginFulfilment(lines=LINES)
BEGUN = FulfilmentBegun(LINES)
ONE, OTHER = ProductReserved("p-1"), ProductReserved("p-2")
RESERVED: list[Event] = [BEGUN, ONE, OTHER, AllReserved()]
CONFIRMED: list[Event] = [*RESERVED, FulfilmentConfirmed()]
FAILED: list[Event] = [BEGUN, ONE, FulfilmentFailed("p-2 is gone")]
IN_TIME = cancel_timer("confirm")
OVER: list[Event] = [*CONFIRMED, ReservationsShipped(("p-1", "p-2"))]


def test_it_begins_once_and_has_so_much_time() -> None:
    minute = set_timer("confirm", ExpireFulfilment(), after=timedelta(minutes=1))
    given(decider).when(BEGIN).then(BEGUN, minute)
    given(decider, BEGUN).when(BEGIN).then_rejected("fulfilment_exists")


def test_with_the_last_one_all_are_reserved() -> None:
    given(decider, BEGUN).when(NoteReserved(product_id="p-1")).then(ONE)
    given(decider, BEGUN, ONE).when(NoteReserved(product_id="p-1")).then()
    given(decider, BEGUN, ONE).when(NoteReserved(product_id="p-2")).then(OTHER, AllReserved())


def test_one_that_is_refused_is_one_too_many_and_once_is_enough() -> None:
    refused = NoteRefused(reason="p-2 is gone")
    given(decider, BEGUN, ONE).when(refused).then(FulfilmentFailed("p-2 is gone"), IN_TIME)
    given(decider, *FAILED).when(refused).then()
    given(decider, *FAILED).when(NoteReserved(product_id="p-2")).then()


@pytest.mark.parametrize("history", [[BEGUN, ONE], RESERVED])
def test_it_expires_until_it_is_confirmed(history: list[Event]) -> None:
    late = FulfilmentFailed("it was not confirmed in time")
    given(decider, *history).when(ExpireFulfilment()).then(late)


@pytest.mark.parametrize("history", [CONFIRMED, FAILED, OVER])
def test_what_has_come_to_something_does_not_expire(history: list[Event]) -> None:
    given(decider, *history).when(ExpireFulfilment()).then()


def test_it_is_confirmed_once() -> None:
    given(decider, *RESERVED).when(NoteConfirmed()).then(FulfilmentConfirmed(), IN_TIME)
    given(decider, *CONFIRMED).when(NoteConfirmed()).then()
    given(decider, *FAILED).when(NoteConfirmed()).then()


@pytest.mark.parametrize("history", [[BEGUN], [BEGUN, ONE], RESERVED, CONFIRMED, FAILED])
def test_whenever_the_order_ends_every_product_is_told_and_once(history: list[Event]) -> None:
    shipped = given(decider, *history).when(NoteShipped())
    shipped.then(ReservationsShipped(("p-1", "p-2")), IN_TIME)
    cancelled = given(decider, *history).when(NoteCancelled())
    cancelled.then(ReservationsReleased(("p-1", "p-2")), IN_TIME)
    given(decider, *history, *cancelled.events).when(NoteCancelled()).then()
    given(decider, *history, *cancelled.events).when(NoteShipped()).then()


@pytest.mark.parametrize(
    "command",
    [
        NoteReserved(product_id="p-1"),
        NoteRefused(reason="no"),
        NoteConfirmed(),
        NoteShipped(),
        NoteCancelled(),
    ],
)
def test_of_an_order_that_is_not_fulfilled_nothing_is_known(command: Command) -> None:
    given(decider).when(command).then_rejected("fulfilment_unknown")
