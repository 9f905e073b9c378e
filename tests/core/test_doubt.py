"""The rule of doubt: each error has one meaning, each end of an acquisition one consequence."""

import pytest

from engine.core.doubt import ANSWERS, ENDINGS, Ending, Meaning, ending_of, error_of, meaning_of
from engine.core.errors import Doubt, Fenced, Lost, NotNow, Refused, SemelError, Torn

MEANT: dict[Meaning, type[SemelError]] = {
    Meaning.FENCED: Fenced,
    Meaning.TORN: Torn,
    Meaning.LOAD: Refused,
    Meaning.AGAIN: NotNow,
    Meaning.AWAY: Lost,
    Meaning.REFUSED: Refused,
}


@pytest.mark.parametrize(
    ("meaning", "codes"),
    [
        (Meaning.AGAIN, {"BUSY", "OOM", "MISCONF", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN"}),
        (Meaning.AWAY, {"LOADING", "READONLY", "MASTERDOWN", "MOVED", "ASK"}),
        (Meaning.LOAD, {"NOSCRIPT"}),
        (Meaning.FENCED, {"FENCED"}),
        (Meaning.TORN, {"TORN"}),
    ],
)
def test_codes_that_mean_the_same(meaning: Meaning, codes: set[str]) -> None:
    assert {code for code, meant in ANSWERS.items() if meant is meaning} == codes


@pytest.mark.parametrize("code", ANSWERS)
def test_an_error_is_what_its_code_means(code: str) -> None:
    error = error_of(f"{code} this and that")
    assert type(error) is MEANT[ANSWERS[code]]
    assert "this and that" in str(error)
    assert meaning_of(code) is ANSWERS[code]


@pytest.mark.parametrize(
    "reply",
    ["WRONGTYPE Operation against a key", "ERR no such key", "NOPERM", "", "oom no", "BUSYGROUP x"],
)
def test_a_code_that_nobody_knows_refuses_one_call(reply: str) -> None:
    error = error_of(reply)
    assert type(error) is Refused
    assert str(error) == reply


def test_what_an_operator_reads_keeps_its_code() -> None:
    """It says what to look up; our own codes are for programs, and their sentences speak."""
    assert str(error_of("OOM command not allowed")) == "OOM command not allowed"
    assert "READONLY You can't write" in str(error_of("READONLY You can't write"))
    assert str(error_of("FENCED the lease is not ours")) == "the lease is not ours"


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (Fenced("x"), "lease.lost"),
        (Refused("x"), "lease.suspended"),
        (NotNow("x"), "lease.suspended"),
        (Torn("x"), "partition.stopped"),
        (Doubt("x"), "partition.stopped"),
        (ZeroDivisionError("x"), "partition.stopped"),
    ],
)
def test_what_follows_from_an_end(error: Exception, event: str) -> None:
    assert ending_of(error).event == event


def test_the_sooner_it_may_pass_the_sooner_it_is_tried_again() -> None:
    ends: list[Exception] = [Fenced("x"), NotNow("x"), KeyError("x"), Torn("x")]
    rests = [ending_of(end).rest for end in ends]
    assert rests == sorted(set(rests))
    assert all(0 < rest <= 60 for rest in rests)


def test_the_nearest_kind_counts() -> None:
    """A table that is read from the top must have no kind below one that it belongs to."""
    kinds = list(ENDINGS)
    for place, kind in enumerate(kinds):
        assert not any(issubclass(kind, above) for above in kinds[:place])
        assert ending_of(kind("x")) is ENDINGS[kind]
    assert isinstance(ending_of(Exception("x")), Ending)
