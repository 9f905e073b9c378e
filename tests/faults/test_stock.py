"""The shop's stock and its fulfilled orders, and each thing in them that must never happen."""

from collections.abc import Callable

import pytest

from engine.core.outcome import Status
from tests.faults.histories import Dump
from tests.faults.stock import trade
from tests.faults.stories import (
    FULFILMENT,
    PRODUCT,
    Story,
    changed,
    event_of,
    found,
    judged,
    leads,
    outcome_of,
    sold,
    sold_out,
    timed_out,
)

SOUND: list[Callable[[], Story]] = [
    sold, lambda: sold(ends="shipped"), lambda: sold(ends="cancelled"), sold_out, timed_out
]  # fmt: skip


@pytest.mark.parametrize(
    "story", SOUND, ids=["confirmed", "shipped", "cancelled", "sold out", "timed out"]
)
def test_a_sound_shop(story: Callable[[], Story]) -> None:
    assert not found(story())


def test_what_was_done_is_counted() -> None:
    assert trade(sold(ends="shipped").dump) == {"FulfilmentConfirmed": 1, "ReservationsShipped": 1}
    assert trade(sold_out().dump) == {
        "FulfilmentFailed": 1, "ReservationsReleased": 1, "insufficient_inventory": 1
    }  # fmt: skip
    assert not trade(Dump([], [], []))


def test_an_order_does_not_stay_pending() -> None:
    story = sold()
    for gone in ("OrderConfirmed", "FulfilmentConfirmed"):
        story.events.pop(event_of(story, gone))
    assert {"order_pending", "held_for_ever"} <= found(story)


def test_a_fulfilment_ends_as_its_order_does() -> None:
    story = sold(ends="shipped")
    index = event_of(story, "ReservationsShipped")
    story.events[index] = story.events[index]._replace(type="ReservationsReleased")
    assert found(story) == {"fulfilment_not_over_once"}
    story = sold(ends="cancelled")
    index = event_of(story, "StockReleased")
    story.events[index] = story.events[index]._replace(type="StockShipped")
    assert found(story) == {"reservation_ended_wrongly"}


def test_what_was_reserved_is_not_held_for_ever() -> None:
    for story in (sold(ends="cancelled"), timed_out()):
        story.events.pop(event_of(story, "StockReleased"))
        assert "held_for_ever" in found(story)


def test_stock_is_never_negative() -> None:
    story = sold()
    changed(story, "ProductStocked", quantity=1)
    assert found(story) == {"stock_negative"}


def test_exactly_what_is_held_is_given_back_once() -> None:
    story = sold(ends="cancelled")
    changed(story, "StockReleased", quantity=3)
    assert found(story) == {"not_held"}
    story = sold(ends="cancelled")
    again = story.events[event_of(story, "StockReleased")]
    story.events.append(again._replace(version=4, position=99))
    assert "not_held" in found(story)


def test_nothing_is_held_twice_for_one_order() -> None:
    story = sold()
    again = story.events[event_of(story, "StockReserved")]
    story.events.append(again._replace(version=3, position=99))
    assert "held_twice" in found(story)


def test_who_is_told_that_too_little_is_left_is_told_by_the_sum() -> None:
    story = sold_out()
    changed(story, "ProductStocked", quantity=2)
    assert found(story) == {"refused_wrongly"}


@pytest.mark.parametrize(
    "judgement",
    [
        {"status": Status.FAILED, "detail": {"code": "retries"}},
        {"detail": {"code": "order_shipped", "message": ""}},
    ],
)
def test_the_shop_refuses_itself_nothing_else(judgement: dict[str, object]) -> None:
    story = sold_out()
    judged(story, leads("b", FULFILMENT, "r"), **judgement)
    assert "shop_refused" in found(story)


@pytest.mark.parametrize(
    "id", ["b", "r", "n", "c", "d", "e", "m"],
    ids=["begin", "reserve", "note", "confirm", "tell", "end", "ship"],
)  # fmt: skip
def test_a_command_of_the_shop_comes_once(id: str) -> None:
    story = sold(ends="shipped")
    [index] = [n for n, one in enumerate(story.outcomes) if one.id.endswith(f"/0/0/{id}")]
    story.outcomes.pop(index)
    assert "reaction_not_once" in found(story)


def test_a_refusal_is_told_to_the_fulfilment() -> None:
    story = sold_out()
    story.outcomes.pop(outcome_of(story, leads("r", PRODUCT, "f")))
    assert "reaction_not_once" in found(story)


def test_a_time_out_is_over_or_fires_once() -> None:
    story = sold()
    story.events.pop(event_of(story, "FulfilmentConfirmed"))
    assert "timer_lost" in found(story)
    story = timed_out()
    story.outcomes.append(story.outcomes[outcome_of(story, "timer/")])
    assert "timer_twice" in found(story)
