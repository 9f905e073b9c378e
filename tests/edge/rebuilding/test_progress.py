"""What is said of a build under way, where there is no terminal to draw a bar on."""

from dataclasses import dataclass

import msgspec
import pytest

from engine.edge.cli.gauge import growing
from engine.edge.cli.projection.waiting import NOBODY_SECONDS, _Notices, _progress
from engine.edge.course import Sight, Stage

HALF = Sight(
    projection="orders", generation=2, stage=Stage.BUILDING, done=5000, events=10_000, rate=250.0,
    parked=0, workers=1, is_paused=False, previous=0, compared=None,
)  # fmt: skip


def but(**changes: object) -> Sight:
    return msgspec.structs.replace(HALF, **changes)


@dataclass
class Clock:
    now: float = 0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        (HALF, "orders@2: 5,000 of 10,000 events, 50%, 250/s, 20.0 s left"),
        (but(rate=0.0, parked=3), "orders@2: 5,000 of 10,000 events, 50%, 3 parked"),
        (but(rate=-5.0), "orders@2: 5,000 of 10,000 events, 50%"),
        (but(done=0, events=0, rate=0.0), "orders@2: 0 of 0 events"),
        (but(stage=Stage.COMPARING), "orders@2 is live, comparing its rows with those of before"),
    ],
)
def test_one_line_says_how_far_how_fast_and_how_long(sight: Sight, said: str) -> None:
    assert _progress(sight) == said


def test_without_a_terminal_a_line_is_said_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with growing(line_seconds=0) as reach:
        reach(1, 2, "half of it")
        reach(2, 3, "more of it")
    with growing(line_seconds=60) as reach:
        reach(3, 3, "too early to be said")
    assert capsys.readouterr().err.splitlines() == ["half of it", "more of it"]


def test_what_keeps_a_build_is_said_once_each_time_it_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("engine.edge.cli.projection.waiting.time", clock)
    notices, nobody = _Notices("orders", 2), but(workers=0)
    for seconds, sight in (
        (NOBODY_SECONDS / 2, nobody), (NOBODY_SECONDS, nobody), (1, nobody), (1, HALF),
        (NOBODY_SECONDS + 1, nobody), (1, but(is_paused=True)), (1, but(is_paused=True)),
    ):  # fmt: skip
        clock.now += seconds
        notices.take(sight)
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == second
    assert first.startswith("no worker runs the code of orders@2")
    assert third.startswith("orders is paused")


def test_who_leaves_is_told_what_goes_on() -> None:
    notices = _Notices("orders", 2)
    assert "`semel projection rebuild orders` watches it" in notices.left()
    notices.take(but(stage=Stage.COMPARING))
    assert "semel projection rebuild" not in notices.left()
