"""A bank's books, and each thing in them that must never happen."""

import json
from collections.abc import Sequence

import pytest

from engine.core.outcome import Status
from tests.faults.stories import (
    FROM,
    MANAGER,
    changed,
    event_of,
    expired,
    finished,
    follows,
    found,
    judged,
)


def test_a_balance_is_the_sum_of_events() -> None:
    story = finished()
    changed(story, "Reserved", balance=7)
    assert found(story) == {"balance_differs"}


def test_a_balance_is_never_negative() -> None:
    story = finished()
    changed(story, "Deposited", amount=3, balance=3)
    changed(story, "Reserved", balance=-1)
    changed(story, "Confirmed", balance=-1)
    assert found(story) == {"balance_negative"}


def test_what_is_set_aside_is_confirmed_or_released() -> None:
    story = expired()
    story.events.pop(event_of(story, "Released"))
    assert found(story) == {"aside_for_ever", "money_astray"}


def test_only_what_is_aside_is_released_once() -> None:
    story = expired()
    changed(story, "Released", amount=5, balance=11)
    assert found(story) == {"not_aside"}
    again = story.events[event_of(story, "Released")]
    story = expired()
    said = {"amount": 4, "transfer": MANAGER, "balance": 14}
    story.events.append(again._replace(version=4, position=9, data=json.dumps(said).encode()))
    assert {"two_effects", "not_aside", "money_astray"} <= found(story)


@pytest.mark.parametrize("ends", [[], ["Finished", "Cancelled"], ["Finished", "Finished"]])
def test_a_transfer_is_over_once(ends: Sequence[str]) -> None:
    story = finished()
    index = event_of(story, "Finished")
    end = story.events.pop(index)
    story.events += [end._replace(type=type) for type in ends]
    assert "transfer_not_over_once" in found(story)


def test_money_goes_where_the_end_says() -> None:
    story = finished()
    story.does("in", FROM, "Deposited", amount=1, transfer="transfer-9", balance=7)
    assert {"money_without_transfer", "money_not_kept"} <= found(story)
    story = finished()
    changed(story, "Deposited", transfer=MANAGER)
    assert {"money_astray", "money_not_kept"} <= found(story)


def test_the_bank_refuses_itself_nothing_else() -> None:
    story = expired(is_late=False)
    judged(story, follows("t1", FROM, "t2"), status=Status.FAILED, detail={"code": "retries"})
    assert "refused" in found(story)
