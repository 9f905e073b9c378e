"""The words for timers, and what becomes of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from engine import Command, Event, TimerChange, cancel_timer, set_timer
from engine.core.decider import events_of, split
from engine.core.errors import Misuse
from engine.core.firing import Fired, fired_of
from engine.core.inside import inside_id


class Wake(Command):
    """What a timer sends."""


class Slept(Event):
    """Something happened."""


SECRET = b"secret"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SLEPT: Any = Slept()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda: set_timer("a", Wake()), "either at= or after="),
        (lambda: set_timer("a", Wake(), at=NOON, after=timedelta(1)), "either at= or after="),
        (lambda: set_timer("a", Wake(), at=NOON.replace(tzinfo=None)), "which time zone"),
        (lambda: set_timer("a/b", Wake(), at=NOON), "contains '/'"),
        (lambda: set_timer("", Wake(), at=NOON), "is empty"),
        (lambda: set_timer("a", SLEPT, at=NOON), "sends a Slept, which is no Command"),
        (lambda: cancel_timer("two words"), "cannot be the name of a timer"),
    ],
)
def test_wrong_words_are_misuse(wrong: Callable[[], Any], complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint):
        wrong()


def test_a_time_may_be_of_any_zone() -> None:
    there = timezone(timedelta(hours=9))
    assert set_timer("a", Wake(), at=NOON.astimezone(there)).at == NOON


def test_a_decision_is_told_apart_into_events_and_timers() -> None:
    change, other = set_timer("a", Wake(), at=NOON), cancel_timer("b")
    assert split(change) == ((), (change,))
    both: list[Event | TimerChange] = [Slept(), change, Slept(), other]
    assert split(iter(both)) == ((Slept(), Slept()), (change, other))
    assert events_of([change, Slept()]) == (Slept(),)


def test_an_id_names_the_timer_that_made_it() -> None:
    id = inside_id(SECRET, "timer", "order-1/payment/17-0")
    assert fired_of(id) == Fired("order-1", "payment", "17-0")
    assert Fired("order-1", "payment", "17-0").key == "order-1/payment"


@pytest.mark.parametrize("cause", ["17-0", "timer/a-1/b/17-0"])
def test_an_id_of_another_source_names_none(cause: str) -> None:
    assert fired_of(inside_id(SECRET, "inbox", cause)) is None
