"""Deferred commands in a partition's history."""

import pytest

from engine.core.records import Entry
from tests.core.audit.histories import event, judged, outcome, places

DEFERRED = outcome("5-0", "order-1", 0, 0, "a", "deferred")
BEHIND = outcome("5-1", "order-1", 0, 0, "b", "deferred")
OTHER = [event(1, "order-2", 1, "6-0"), outcome("6-0", "order-2", 1, 1)]
DECIDED = [
    event(2, "order-1", 1, "5-0", "a"),
    outcome("6-0", "order-1", 1, 2, "a", of="5-0"),
]
SETTLED = outcome("6-1", "order-1", 1, 2, "b", "rejected", of="5-1")
FIRST = {"entry": "5-0", "status": "accepted", "version": 1, "position": 2}


def test_a_sound_history_of_what_waited() -> None:
    assert not judged(DEFERRED, BEHIND, *OTHER, waiting={"5-0", "5-1"})
    assert not judged(DEFERRED, BEHIND, *OTHER, *DECIDED, waiting={"5-1"})
    again = outcome("7-0", "order-1", 1, 2, "a", "duplicate", FIRST)
    assert not judged(DEFERRED, BEHIND, *OTHER, *DECIDED, SETTLED, again)


def test_a_repeat_that_waited_is_a_duplicate() -> None:
    repeat = outcome("5-2", "order-1", 0, 0, "a", "deferred")
    late = outcome("6-1", "order-1", 1, 2, "a", "duplicate", FIRST, of="5-2")
    assert not judged(DEFERRED, repeat, *OTHER, *DECIDED, late)


def test_a_refusal_that_leaves_its_id_open_has_no_digest() -> None:
    """A timer's command waited, and then that timer was replaced."""
    stale = outcome("6-0", "order-1", 0, 0, "a", "rejected", of="5-0", digest="")
    assert not judged(DEFERRED, stale)


@pytest.mark.parametrize(
    ("entries", "waiting", "found"),
    [
        ([DEFERRED], set(), ("deferred_lost", "5-0")),
        ([DEFERRED, *OTHER, *DECIDED], {"5-0"}, ("waits_answered", "5-0")),
        ([*OTHER, *DECIDED], set(), ("late_stray", "6-0")),
        (
            [DEFERRED, *OTHER, *DECIDED, outcome("6-1", "order-1", 1, 2, "a", of="5-0")],
            set(),
            ("answered_twice", "6-1"),
        ),
        (
            [DEFERRED, outcome("6-0", "order-1", 0, 0, "z", "rejected", of="5-0")],
            set(),
            ("late_differs", "6-0"),
        ),
        (
            [DEFERRED, outcome("6-0", "order-1", 0, 0, "a", "failed", of="5-0", digest="")],
            set(),
            ("late_differs", "6-0"),
        ),
        ([DEFERRED, *OTHER, DECIDED[1]], set(), ("events_missing", "6-0")),
        ([DEFERRED, *OTHER, DECIDED[0]], {"5-0"}, ("unanswered", "2-0")),
        ([outcome("6-0", "order-1", 0, 0, "z", of="rubbish")], set(), ("outcome_entry", "6-0")),
        (
            [DEFERRED, BEHIND, *OTHER, *DECIDED, outcome("5-9", "order-1", 1, 2, "b", of="5-1")],
            set(),
            ("outcome_order", "5-9"),
        ),
    ],
)
def test_what_is_wrong_is_found(
    entries: list[Entry], waiting: set[str], found: tuple[str, str]
) -> None:
    assert found in places(judged(*entries, waiting=waiting))


def test_what_was_forgotten_is_not_missed() -> None:
    assert not judged(*OTHER, *DECIDED, forgotten="5-1")
    assert not judged(DEFERRED, gone="5-0")
