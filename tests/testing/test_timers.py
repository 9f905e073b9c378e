"""Timers in tests of rules: none goes unnoticed, and what differs is named."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine import Command, Decider, Event, Rejected, TimerChange, cancel_timer, set_timer
from engine.testing import given

WEEK = timedelta(days=7)


class Place(Command):
    pass


class Expire(Command):
    reason: str = "unpaid"


class Pay(Command):
    pass


class Elsewhere(Command):
    pass


class Placed(Event):
    pass


class Paid(Event):
    pass


def place(_command: Place, state: str) -> Iterator[Event | TimerChange]:
    if state:
        raise Rejected("placed", "it is placed")
    yield Placed()
    yield set_timer("payment", Expire(), after=WEEK * 2)
    yield set_timer("payment", Expire(), after=WEEK)
    yield set_timer("reminder", Expire(reason="late"), after=WEEK)


def pay(_command: Pay | Expire, _state: str) -> Iterator[Event | TimerChange]:
    yield Paid()
    yield cancel_timer("payment")


def lose(_command: Elsewhere, _state: str) -> TimerChange:
    class Unknown(Command):
        pass

    return set_timer("gone", Unknown(), after=WEEK)


def evolve(_state: str, event: Placed | Paid) -> str:
    return type(event).__name__


order = Decider(kind="order", initial="", decide=[place, pay, lose], evolve=evolve)
PAYMENT = set_timer("payment", Expire(), after=WEEK)
REMINDER = set_timer("reminder", Expire(reason="late"), after=WEEK)


def test_timers_stand_beside_events_and_the_last_of_a_name_holds() -> None:
    decided = given(order).when(Place())
    decided.then(Placed(), PAYMENT, REMINDER)
    decided.then(REMINDER, Placed(), PAYMENT)
    decided.then_timers(PAYMENT, REMINDER).then(Placed())
    assert decided.timers == (PAYMENT, REMINDER)
    given(order, Placed()).when(Pay()).then(Paid(), cancel_timer("payment"))


def test_a_timer_that_is_not_expected_fails() -> None:
    decided = given(order).when(Place())
    with pytest.raises(AssertionError, match=r"'payment' is one too many: set_timer\('payment', E"):
        decided.then(Placed())
    with pytest.raises(AssertionError, match="'reminder' is one too many"):
        decided.then_timers(PAYMENT)
    with pytest.raises(AssertionError, match="'third' is missing: cancel_timer"):
        decided.then(Placed(), PAYMENT, REMINDER, cancel_timer("third"))
    with pytest.raises(AssertionError, match=r"'payment': .*days=7\)\); expected .*days=14\)\)"):
        decided.then_timers(set_timer("payment", Expire(), after=WEEK * 2), REMINDER)
    with pytest.raises(AssertionError, match="'x' is missing"):
        decided.then_timers(PAYMENT, REMINDER).then(Placed(), PAYMENT, cancel_timer("x"))


def test_where_it_was_rejected_no_timers_are_set() -> None:
    decided = given(order, Placed()).when(Place())
    assert decided.timers == ()
    with pytest.raises(AssertionError, match=r"rejected, placed: .*; expected set_timer\('pay"):
        decided.then_timers(PAYMENT)


def test_a_timer_for_somebody_else_is_refused_as_in_production() -> None:
    with pytest.raises(TypeError, match="'gone' sends Unknown, which this decider does not take"):
        given(order).when(Elsewhere())
