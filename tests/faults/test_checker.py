"""The checker is given histories made by hand, one of each kind that must never happen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.core.codec import digest_of
from engine.core.outcome import Outcome, Status
from tests.faults.checker import Verdict, Window, check
from tests.faults.histories import Attempt, Dump, Logged, Said, read_histories

DATA = '{"n":1}'
DIGEST = digest_of("Do", DATA.encode(), None)
FIRST = {"entry": "1-0", "status": "accepted", "version": 1, "position": 1}


def said(entry: str, version: int, position: int, status: str = "accepted", **detail: Any) -> Said:
    return Said(entry, Status(status), version, position, "b1", detail)


def attempt(  # noqa: PLR0913 -- what an attempt is
    id: str,
    invoked: int,
    returned: int | None = None,
    outcome: Said | None = None,
    aggregate: str = "a-1",
    data: str = DATA,
    meta: str = "",
) -> Attempt:
    return Attempt(
        "c", invoked, id, "Do", aggregate, data, meta, invoked, returned, outcome
    )  # fmt: skip


def stored(id: str, told: Said, aggregate: str = "a-1", digest: str = DIGEST) -> Outcome:
    return Outcome(
        told.entry, id, told.status, aggregate, told.version, told.position, 0, told.branch,
        digest, told.detail,
    )  # fmt: skip


def event(position: int, version: int, id: str, entry: str, aggregate: str = "a-1") -> Logged:
    return Logged(0, position, aggregate, version, id, entry)


A, B = said("1-0", 1, 1), said("2-0", 2, 2)
AGAIN = said("3-0", 1, 2, "duplicate", first=FIRST)
NO = said("4-0", 2, 2, "rejected", code="no")
TRIED = [attempt("a", 10, 20, A), attempt("b", 30, 40, B), attempt("a", 50, 60, AGAIN)]
OUTCOMES = [stored("a", A), stored("b", B), stored("a", AGAIN)]
EVENTS = [event(1, 1, "a", "1-0"), event(2, 2, "b", "2-0")]


def judged(
    attempts: Sequence[Attempt] = TRIED,
    outcomes: Sequence[Outcome] = OUTCOMES,
    events: Sequence[Logged] = EVENTS,
    **more: Any,
) -> Verdict:
    dump = Dump(events, outcomes, [more.pop("forgotten", "0-0")], more.pop("findings", ()))
    return check(attempts, dump, **more)


def found(verdict: Verdict) -> set[tuple[str, str]]:
    return {(violation.check, violation.id) for violation in verdict.violations}


def test_a_sound_history() -> None:
    refused = [*TRIED, attempt("n", 70, 80, NO)]
    unknown = [attempt("u", 90), attempt("v", 91, 95), attempt("w", 92)]
    late = said("5-0", 3, 3)
    verdict = judged(
        [*refused, *unknown],
        [*OUTCOMES, stored("n", NO), stored("u", late)],
        [*EVENTS, event(3, 3, "u", "5-0")],
    )
    assert verdict == Verdict(7, 4, 3, 3, [])


def test_a_command_may_be_accepted_and_change_nothing() -> None:
    same = said("5-0", 2, 2)
    assert not judged([*TRIED, attempt("s", 70, 80, same)], [*OUTCOMES, stored("s", same)])[-1]


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ({"outcomes": OUTCOMES[1:]}, "no_outcome"),
        ({"outcomes": [*OUTCOMES, stored("a", said("6-0", 2, 2))]}, "two_outcomes"),
        ({"outcomes": [stored("a", said("1-0", 2, 1)), *OUTCOMES[1:]]}, "outcome_differs"),
        ({"outcomes": [stored("a", A, digest="x"), *OUTCOMES[1:]]}, "content_differs"),
        ({"events": EVENTS[1:]}, "no_effect"),
        ({"events": [EVENTS[0]._replace(entry="1-1"), EVENTS[1]]}, "effect_differs"),
        ({"events": [EVENTS[0], event(3, 2, "a", "1-0")]}, "two_effects"),
        ({"events": [EVENTS[0], event(2, 2, "a", "3-0")]}, "two_effects"),
        ({"events": [*EVENTS, event(3, 3, "a", "1-0")]}, "two_effects"),
        (
            {"outcomes": [stored("a", said("1-0", 1, 1, "failed")), *OUTCOMES[1:]]},
            "effect_of_refused",
        ),
        (
            {"attempts": [attempt("a", 10, 20, said("1-0", 1, 1, "rejected")), *TRIED[1:]]},
            "answers_differ",
        ),
        (
            {"attempts": [*TRIED, attempt("a", 70, 80, said("9-0", 2, 2, "rejected"))]},
            "answers_differ",
        ),
    ],
)
def test_what_must_never_happen_to_a_command(wrong: dict[str, Any], check: str) -> None:
    assert (check, "a") in found(judged(**wrong))


def test_what_was_told_is_there() -> None:
    """An answer to a repeat, too: its own outcome, not only the first one."""
    assert found(judged(outcomes=OUTCOMES[:2])) == {("no_outcome", "a")}
    assert found(judged(outcomes=OUTCOMES[:2], forgotten="3-0")) == set()


def test_nobody_gave_that_command() -> None:
    stranger = said("7-0", 3, 3)
    strange: dict[str, Any] = {
        "outcomes": [*OUTCOMES, stored("x", stranger)],
        "events": [*EVENTS, event(3, 3, "x", "7-0")],
    }
    assert found(judged(**strange)) == {("unasked", "x")}
    assert not judged(**strange, others=frozenset({"x"}))[-1]


def test_an_id_with_other_content_is_refused_and_with_the_same_is_not() -> None:
    reused = said("7-0", 2, 2, "rejected", code="id_reused")
    outcomes = [*OUTCOMES, stored("a", reused, digest="")]
    other = attempt("a", 70, 80, reused, data='{"n":2}')
    assert not judged([*TRIED, other], outcomes)[-1]
    expecting = attempt("a", 70, 80, reused, meta='{"expect":3,"x_own":1}')
    assert not judged([*TRIED, expecting], outcomes)[-1]
    same = attempt("a", 70, 80, reused)
    assert found(judged([*TRIED, same], outcomes)) == {("wrongly_reused", "a")}


def test_a_stranger_to_the_aggregate_says_nothing_of_it() -> None:
    """Another partition's owner has an order of its own, and does not know the version."""
    lost = said("0-9", 0, 0, "rejected", code="wrong_partition")
    outcomes = [stored("s", lost, digest=""), *OUTCOMES]
    assert not judged([*TRIED, attempt("s", 70, 80, lost)], outcomes)[-1]


def test_a_refused_command_has_no_effect() -> None:
    attempts = [*TRIED, attempt("n", 70, 80, NO)]
    events = [*EVENTS, event(3, 3, "n", "4-0")]
    assert found(judged(attempts, [*OUTCOMES, stored("n", NO)], events)) == {
        ("effect_of_refused", "n")
    }


def test_an_unknown_command_has_one_effect_at_most() -> None:
    attempts = [*TRIED, attempt("u", 70), attempt("u", 71)]
    once, twice = event(3, 3, "u", "5-0"), event(4, 4, "u", "6-0")
    outcome = stored("u", said("5-0", 3, 3))
    assert not judged(attempts, [*OUTCOMES, outcome], [*EVENTS, once])[-1]
    doubled = judged(attempts, [*OUTCOMES, outcome], [*EVENTS, once, twice])
    assert found(doubled) == {("two_effects", "u")}


def test_a_repeat_may_be_told_the_first_answer_itself() -> None:
    """B was answered before A is asked again, behind an id from the future."""
    assert not judged([*TRIED, attempt("a", 70, 80, A)], OUTCOMES)[-1]


def test_order_respects_real_time() -> None:
    """B had its answer before A began, and yet A stands before B."""
    attempts = [attempt("a", 50, 60, A), attempt("b", 30, 40, B)]
    assert found(judged(attempts, OUTCOMES[:2])) == {("out_of_order", "a"), ("went_back", "a")}
    overlapping = [attempt("a", 35, 60, A), attempt("b", 30, 40, B)]
    assert not judged(overlapping, OUTCOMES[:2])[-1]
    elsewhere = said("1-0", 1, 1)
    others = [attempt("b", 30, 40, B), attempt("a", 10, 20, A)]
    other = attempt("z", 50, 60, elsewhere, aggregate="a-2")
    assert not judged(
        [*others, other],
        [*OUTCOMES[:2], stored("z", elsewhere, "a-2")],
        [*EVENTS, event(1, 1, "z", "1-0", "a-2")],
    )[-1]


def test_nobody_decides_on_what_was_true_before() -> None:
    stale = said("4-0", 1, 2, "rejected", code="no")
    attempts = [*TRIED, attempt("n", 70, 80, stale)]
    assert found(judged(attempts, [*OUTCOMES, stored("n", stale)])) == {("went_back", "n")}


def test_after_a_lost_tail_only_what_was_durable_counts() -> None:
    b, kept = stored("b", said("2-0", 1, 1)), event(1, 1, "b", "2-0")
    tail: dict[str, Any] = {"outcomes": [b], "events": [kept]}
    attempts = [TRIED[0], attempt("b", 30, 40, said("2-0", 1, 1))]
    assert found(judged(attempts, **tail)) == {("no_outcome", "a"), ("no_effect", "a")}
    assert not judged(attempts, **tail, lost=[Window(15, 25)])[-1]
    assert not judged(attempts, **tail, lost=[Window(5, 15)])[-1]
    assert judged(attempts, **tail, lost=[Window(25, 29)])[-1]
    durable = [attempt("a", 10, 20, A, meta='{"durability":"local"}'), attempts[1]]
    assert ("no_outcome", "a") in found(judged(durable, **tail, lost=[Window(15, 25)]))
    again = [*attempts, attempt("a", 50, 60, said("3-0", 2, 2))]
    tail["outcomes"] = [b, stored("a", said("3-0", 2, 2))]
    tail["events"] = [kept, event(2, 2, "a", "3-0")]
    assert not judged(again, **tail, lost=[Window(15, 25)])[-1]
    assert ("answers_differ", "a") in found(judged(again, **tail))


def test_what_verify_found_is_a_violation() -> None:
    assert found(judged(findings=["partition 3: …"])) == {("verify", "")}


def test_histories_are_read_from_files(tmp_path: Path) -> None:
    begun, ended = attempt("a", 10), attempt("a", 10, 20, A)
    lines = [msgspec.json.encode(each) for each in (begun, attempt("b", 30), ended)]
    file = tmp_path / "c.jsonl"
    file.write_bytes(b"\n".join(lines) + b'\n{"client": "c", "att')
    assert list(read_histories([file])) == [ended, attempt("b", 30)]
