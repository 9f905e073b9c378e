"""What a tenant gets done: idle, at work and stuck look different, by the clock alone."""

import msgspec
import pytest

from engine.core.records import Report
from engine.runtime.progress import RATE_SECONDS, Progress


class Clock:
    """Seconds, wound by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_who_has_had_nothing_to_do_says_so(clock: Clock) -> None:
    assert Progress(clock).report() == Report(moved=None, busy=None)


def test_ages_grow_until_something_is_done(clock: Clock) -> None:
    progress = Progress(clock)
    progress.took()
    clock.now += 3
    assert progress.report() == Report(moved=None, busy=3.0)
    progress.took()
    clock.now += 1.5
    assert progress.report() == Report(moved=None, busy=4.5)
    progress.moved()
    clock.now += 2
    assert progress.report() == Report(moved=2.0, busy=2.0)
    progress.rests()
    clock.now += 1
    assert progress.report() == Report(moved=3.0, busy=None)


def test_what_is_done_without_being_taken_up_makes_nobody_busy(clock: Clock) -> None:
    progress = Progress(clock)
    progress.moved()
    assert progress.report() == Report(moved=0.0, busy=None)


@pytest.mark.parametrize("ends", ["moved", "rests"])
def test_trouble_stands_until_it_is_over(clock: Clock, ends: str) -> None:
    progress = Progress(clock)
    progress.took()
    progress.trouble = "OOM"
    clock.now += 9
    assert progress.report() == Report(moved=None, busy=9.0, trouble="OOM")
    getattr(progress, ends)()
    assert progress.report().trouble == ""


def test_ages_are_rounded_to_what_can_be_meant(clock: Clock) -> None:
    progress = Progress(clock)
    progress.moved()
    clock.now += 1 / 3
    assert progress.report().moved == 0.333


def test_who_does_not_count_says_nothing_of_a_rate(clock: Clock) -> None:
    progress = Progress(clock)
    progress.moved(7)
    assert progress.report().rate is None


def test_a_rate_is_that_of_the_last_seconds_and_falls_to_nothing(clock: Clock) -> None:
    progress = Progress(clock, counted=True)
    assert progress.report().rate == 0.0
    for _ in range(40):
        clock.now += 0.5
        progress.moved(20)
        assert progress.report().rate == pytest.approx(40, rel=0.01)
    falling = [progress.report().rate]
    for _ in range(5):
        clock.now += RATE_SECONDS / 2
        falling.append(progress.report().rate)
    assert falling == sorted(falling, key=lambda rate: -(rate or 0.0))
    assert falling[-1] == 0.0


def test_what_says_nothing_costs_nothing_in_a_heartbeat(clock: Clock) -> None:
    assert msgspec.json.encode(Progress(clock).report()) == b"{}"
    progress = Progress(clock, counted=True)
    progress.moved(3)
    clock.now += 1
    assert msgspec.json.encode(progress.report()) == b'{"moved":1.0,"rate":3.0}'
