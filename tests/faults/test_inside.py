"""Commands from inside, each thing that must never happen to one: of a router, of a timer."""

import msgspec
import pytest

from engine.core.outcome import Status
from tests.faults.histories import Logged
from tests.faults.stories import (
    FROM,
    MANAGER,
    TO,
    Story,
    answer,
    changed,
    event_of,
    expired,
    finished,
    follows,
    found,
    judged,
    outcome_of,
)


@pytest.mark.parametrize("story", [finished(), expired(), expired(is_late=False)])
def test_a_sound_bank(story: Story) -> None:
    assert not found(story)


# -- Routers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "id", ["go", "t1", "t2", "t3", "t4"], ids=["ask", "tell", "offer", "finish", "take"]
)
def test_a_command_of_a_router_that_never_came(id: str) -> None:
    story = finished()
    [index] = [n for n, one in enumerate(story.outcomes) if f"/{id}/0/0/" in one.id]
    gone = story.outcomes.pop(index)
    story.events = [event for event in story.events if event.entry != gone.entry]
    assert "reaction_not_once" in found(story)


def test_a_command_of_a_router_that_came_twice() -> None:
    """Known as a repeat, it has no effect twice: yet it was added twice."""
    story = finished()
    again = follows("go", MANAGER, "t1")
    story.outcomes.append(answer(again, "99000-0", FROM, status="duplicate"))
    assert found(story) == {"reaction_not_once", "refused"}


def test_a_command_of_a_router_for_somebody_else() -> None:
    story = finished()
    judged(story, follows("t4", MANAGER, "t5"), aggregate=TO)
    assert "reaction_astray" in found(story)


def test_a_command_of_a_router_without_a_cause() -> None:
    story = finished()
    story.does(follows("never", MANAGER, "t9"), MANAGER, "Reminded")
    assert found(story) == {"reaction_unasked"}


def test_a_refusal_that_its_manager_never_heard_of() -> None:
    story = expired(is_late=False)
    story.outcomes.pop(outcome_of(story, follows("t1", FROM, "t2")))
    story.events.pop(event_of(story, "Cancelled"))
    assert found(story) == {"reaction_not_once", "transfer_not_over_once", "timer_lost"}


@pytest.mark.parametrize("times", [0, 2])
def test_a_refusal_is_noted_once(times: int) -> None:
    story = expired(is_late=False)
    story.notes = story.notes * times
    assert "refusal_not_noted_once" in found(story)


def test_a_note_says_why() -> None:
    story = expired(is_late=False)
    judged(story, follows("go", MANAGER, "t1"), detail={"code": "not_aside"})
    assert found(story) == {"refusal_not_noted_once", "refused"}


def test_a_note_of_what_was_not_refused() -> None:
    story = expired(is_late=False)
    judged(story, follows("go", MANAGER, "t1"), status=Status.ACCEPTED, detail={})
    assert "noted_without_refusal" in found(story)


# -- Timers -----------------------------------------------------------------------------


def test_a_timer_that_never_fired() -> None:
    story = finished()
    story.outcomes.pop(outcome_of(story, f"timer/{MANAGER}/reminder"))
    story.events.pop(event_of(story, "Reminded"))
    assert found(story) == {"timer_lost"}


def test_a_timer_that_is_over_need_not_fire() -> None:
    story = finished()
    story.outcomes = [one for one in story.outcomes if one.detail.get("code") != "stale_timer"]
    assert not found(story)


def test_a_timer_that_fired_twice() -> None:
    story = finished()
    stale = story.outcomes[outcome_of(story, f"timer/{MANAGER}/patience/2000-0")]
    story.outcomes.append(msgspec.structs.replace(stale, entry="99000-0"))
    assert "timer_twice" in found(story)


def test_a_timer_that_fired_too_early() -> None:
    story = expired()
    changed(story, "Begun", patience_ms=1001)
    assert found(story) == {"timer_early"}


def test_a_timer_that_stands_is_not_stale() -> None:
    story = expired()
    judged(story, f"timer/{MANAGER}", status=Status.REJECTED, detail={"code": "stale_timer"})
    story.events.pop(event_of(story, "Expired"))
    assert found(story) == {"timer_wrongly_stale"}


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED, Status.DUPLICATE])
def test_a_timer_is_never_refused(status: Status) -> None:
    story = finished()
    judged(story, f"timer/{MANAGER}/reminder", status=status, detail={"code": "no"})
    assert "timer_refused" in found(story)


def test_a_timer_has_an_effect() -> None:
    story = finished()
    story.events.pop(event_of(story, "Reminded"))
    assert found(story) == {"timer_without_effect"}


def test_a_timer_that_is_over_has_none() -> None:
    """Replaced by another one, it is over; and yet it was obeyed."""
    story = finished()
    id = f"timer/{MANAGER}/patience/2000-0/x"
    judged(story, id, status=Status.ACCEPTED, detail={})
    story.events.append(Logged(0, 99, MANAGER, 9, id, "4000-0", "Expired"))
    assert found(story) == {"timer_after_its_end"}


def test_a_timer_that_nobody_set() -> None:
    story = finished()
    story.does(f"timer/{MANAGER}/patience/7-0/x", MANAGER, "Reminded")
    assert found(story) == {"timer_unset"}


def test_effects_of_what_nobody_gave_are_judged_as_those_of_clients() -> None:
    story = finished()
    again = follows("go", MANAGER, "t1")
    once = story.events[event_of(story, "Reserved")]
    story.events.append(once._replace(position=99, version=4, entry="99000-0"))
    story.outcomes.append(answer(again, "99000-0", FROM))
    assert {"two_effects", "two_outcomes", "reaction_not_once"} <= set(found(story))
