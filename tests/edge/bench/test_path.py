"""``semel bench path``: where a command's time goes, and what goes first on a socket."""

import pytest

from engine.edge.bench.parts.path import COLD_STEPS, WARM_STEPS
from engine.edge.bench.steps import Seen, moments, usual
from engine.edge.bench.tap import Stamp
from tests.edge.bench.test_parts import figures_of
from tests.edge.command_line import Semel


def sent(at: float, link: int = 0, *, is_read: bool = False) -> Stamp:
    return Stamp(at, link, is_sent=True, is_read=is_read)


def got(at: float, link: int = 0) -> Stamp:
    return Stamp(at, link, is_sent=False, is_read=False)


CLIENT = [sent(0, 1, is_read=True), sent(2), got(3), got(9, 1), sent(9.5, 1, is_read=True)]
ENGINE = [sent(0, 1, is_read=True), got(3, 1), sent(4), sent(4.5, 1, is_read=True), got(5)]
COMMIT = [sent(6), got(10.5)]


def test_a_command_has_passed_each_moment_once() -> None:
    warm = moments(Seen(CLIENT), Seen(ENGINE), 1, 10, 12)
    assert list(warm) == [1, 2, 3, 4, 9, 10, 5], "asked, added, decided, committed, told"
    cold = moments(Seen(CLIENT), Seen([*ENGINE, *COMMIT]), 1, 10, 12)
    assert list(cold) == [1, 2, 3, 4, 5, 6, 9, 10, 10.5]
    assert (len(warm), len(cold)) == (len(WARM_STEPS) + 2, len(COLD_STEPS) + 2)


def test_a_command_that_was_not_alone_says_nothing() -> None:
    heartbeat = [*ENGINE, sent(7), sent(7.5), got(8), got(8.5)]
    assert not moments(Seen(CLIENT), Seen(heartbeat), 1, 10, 12), "two were under way at once"
    unanswered = [*ENGINE, sent(7)]
    assert not moments(Seen(CLIENT), Seen(unanswered), 1, 10, 12)
    assert not moments(Seen(CLIENT), Seen([]), 1, 10, 12), "nobody else's"


def test_the_usual_ones_are_in_the_middle() -> None:
    each = [[0, whole, 0] for whole in (9, 1, 5, 7, 3)]
    assert usual(each) == [[0, 5, 0]]


def test_steps_of_a_command_add_up_to_the_whole(
    valkey_binary: object,  # noqa: ARG001 -- the bench starts a server of its own
) -> None:
    semel = Semel("redis://nobody.invalid", "unused")
    words = ["--samples", "100", "--runs", "1"]
    one = figures_of(semel.process("bench", "path", *words, "-o", "json"))["path"]
    for kind, names in (("cold", COLD_STEPS), ("warm", WARM_STEPS)):
        way = one[kind]
        assert list(way["steps"]) == list(names)
        assert all(us > 0 for us in way["steps"].values())
        assert sum(way["steps"].values()) + way["left"] == pytest.approx(way["whole"])
        assert way["commands"] + way["disturbed"] == 100
        assert one[f"{kind}_to_echo"] == pytest.approx(way["whole"] / one["echo"])
        # The client has its outcome by the server, not by the engine.
        assert way["server"]["scripts"] < way["answered"]
    assert 0 < one["ping"] < one["cold"]["whole"]
