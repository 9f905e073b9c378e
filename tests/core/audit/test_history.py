import pytest

from engine.core.branches import Branch
from engine.core.ids import uuid7
from engine.core.records import Entry
from tests.core.audit.histories import event, judged, outcome, places

CREATED = [
    event(1, "order-1", 1, "5-0", "a"),
    event(2, "order-1", 2, "5-0", "a"),
    outcome("5-0", "order-1", 2, 2, "a"),
]
SHIPPED = [event(3, "order-1", 3, "6-0", "b"), outcome("6-0", "order-1", 3, 3, "b")]
FIRST = {"entry": "5-0", "status": "accepted", "version": 2, "position": 2}


def test_a_sound_history() -> None:
    assert not judged()
    assert not judged(
        *CREATED,
        outcome("5-1", "order-1", 2, 2, "r", "rejected"),
        outcome("5-2", "order-1", 2, 2, "n"),
        *SHIPPED,
        outcome("7-0", "order-1", 2, 3, "a", "duplicate", FIRST),
    )


REFUSED = [
    event(3, "order-1", 0, "5-1", "r/1", type="_rejected"),
    outcome("5-1", "order-1", 2, 3, "r/1", "rejected"),
]


def test_a_note_on_a_refusal_has_a_position_and_no_version() -> None:
    later = event(4, "order-1", 3, "6-0", "b"), outcome("6-0", "order-1", 3, 4, "b")
    assert not judged(*CREATED, *REFUSED, *later)
    failed = outcome("5-1", "order-1", 2, 3, "r/1", "failed")
    assert not judged(*CREATED, REFUSED[0], failed, *later)


def test_a_note_on_what_was_not_refused_is_found() -> None:
    accepted = outcome("5-1", "order-1", 2, 3, "r/1")
    assert places(judged(*CREATED, REFUSED[0], accepted)) == [("note_of_accepted", "3-0")]
    assert places(judged(*CREATED, REFUSED[0])) == [("unanswered", "3-0")]
    versioned = event(3, "order-1", 3, "5-1", "r/1", type="_rejected")
    assert places(judged(*CREATED, versioned, REFUSED[1])) == [("note_version", "3-0")]


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([event(2, "order-1", 1, "5-0"), outcome("5-0", "order-1", 1, 2)], ("log_gap", "1-0")),
        ([event(1, "order-1", 2, "5-0"), outcome("5-0", "order-1", 2, 1)], ("version_gap", "1-0")),
        ([*CREATED, event(3, "order-1", 3, "6-0", "b")], ("unanswered", "3-0")),
        ([*CREATED, outcome("6-0", "order-1", 3, 2, "b")], ("events_missing", "6-0")),
        ([*CREATED[:2], outcome("5-0", "order-1", 1, 1, "a")], ("outcome_differs", "5-0")),
        ([*CREATED[:2], outcome("5-0", "order-1", 2, 2, "z")], ("cause_differs", "1-0")),
        (
            [*CREATED[:2], outcome("5-0", "order-1", 2, 2, "a", "failed")],
            ("effect_of_refused", "1-0"),
        ),
        (
            [*CREATED, event(3, "order-1", 3, "4-0", "b"), outcome("6-0", "order-1", 3, 3, "b")],
            ("log_order", "3-0"),
        ),
        ([*CREATED, event(3, "order-1", 3, "6-0", "a"), SHIPPED[1]], ("doubled", "3-0")),
        ([*CREATED, outcome("5-0", "order-1", 2, 2, "c")], ("outcome_order", "5-0")),
        ([*CREATED, outcome("6-0", "order-1", 2, 1, "c", "rejected")], ("outcome_position", "6-0")),
        ([*CREATED, outcome("6-0", "order-1", 2, 2, "a", "rejected")], ("answered_twice", "6-0")),
        ([*CREATED, outcome("6-0", "order-1", 2, 2, "a", "duplicate")], ("duplicate", "6-0")),
        (
            [*CREATED, outcome("6-0", "order-1", 2, 2, "x", "duplicate", FIRST)],
            ("duplicate", "6-0"),
        ),
        (
            [*CREATED, outcome("6-0", "order-1", 2, 2, "a", "duplicate", FIRST, digest="d2")],
            ("duplicate", "6-0"),
        ),
        (
            [*CREATED, outcome("6-0", "order-1", 2, 2, "c", "rejected", branch="b9")],
            ("outcome_branch", "6-0"),
        ),
        ([Entry("1-0", {b"type": b"Happened"})], ("log_entry", "1-0")),
        ([outcome("6-0", "order-1", 0, 0, status="maybe")], ("outcome_entry", "6-0")),
    ],
)
def test_what_is_wrong_is_found_where_it_is(entries: list[Entry], found: tuple[str, str]) -> None:
    assert found in places(judged(*entries))


def test_an_aggregate_belongs_to_one_partition() -> None:
    entries = [event(1, "order-1", 1, "5-0"), outcome("5-0", "order-1", 1, 1)]
    homes = [not judged(*entries, partitions=1), not judged(*entries, partitions=16384)]
    assert homes == [True, False]


def test_two_effects_with_others_between_are_one_too_many() -> None:
    between = [event(3, "order-2", 1, "5-0", "a")]
    split = [*CREATED[:2], *between, event(4, "order-1", 3, "5-0", "a")]
    assert ("doubled", "4-0") in places(judged(*split, outcome("5-0", "order-1", 3, 4, "a")))


@pytest.mark.parametrize(
    ("id", "may"),
    [("a", True), (uuid7(1000), False), ("inbox/1-0/t", False)],
    ids=["no time", "a time", "an entry"],
)
def test_beyond_the_window_only_an_id_without_time_may_run_again(id: str, may: bool) -> None:  # noqa: FBT001
    entries = [
        event(1, "order-1", 1, "5-0", id),
        event(2, "order-1", 2, "9-0", id),
        outcome("9-0", "order-1", 2, 2, id),
    ]
    assert (not judged(*entries, forgotten="5-0")) is may
    assert ("doubled", "2-0") in places(judged(*entries, forgotten="4-0"))


def test_what_left_the_window_is_not_missed() -> None:
    assert ("unanswered", "1-0") in places(judged(*CREATED[:2], *SHIPPED))
    assert not judged(*CREATED[:2], *SHIPPED, forgotten="5-0")
    assert not judged(*CREATED[:2], *SHIPPED, gone="5-0")
    again = outcome("7-0", "order-1", 2, 2, "a", "duplicate", FIRST)
    assert not judged(*CREATED[:2], again, gone="5-0")
    assert ("duplicate", "7-0") in places(judged(*CREATED[:2], again))


def test_outcomes_keep_to_their_branches() -> None:
    branches = [Branch("b1", 0, "s"), Branch("b2", 2, "s")]
    later = [event(3, "order-1", 3, "6-0", "b"), outcome("6-0", "order-1", 3, 3, "b", branch="b2")]
    assert not judged(*CREATED, *later, branches=branches)
    assert places(judged(*CREATED, *SHIPPED, branches=branches)) == [("outcome_branch", "6-0")]
    early = [Branch("b1", 0, "s"), Branch("b2", 3, "s")]
    assert ("outcome_branch", "5-0") in places(
        judged(*CREATED[:2], outcome("5-0", "order-1", 2, 2, "a", branch="b2"), branches=early)
    )
    back = outcome("7-0", "order-1", 3, 3, "c", "rejected")
    assert ("outcome_branch", "7-0") in places(judged(*CREATED, *later, back, branches=branches))
