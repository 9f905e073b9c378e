"""Timers in a replay: those that still stand must be what the code here would set."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine import Command, Decider, Event, TimerChange, cancel_timer, set_timer
from engine.core.firing import Timer
from engine.core.registry import Domain, build
from tests.core.replay.story import TILL, Story, differences


class Open(Command):
    pass


class Close(Command):
    reason: str = "late"


class Opened(Event):
    pass


def opening(decide: Callable[[Open, None], Any]) -> Domain:
    def close(_command: Close, _state: None) -> None:
        return None

    def evolve(state: None, _event: Opened) -> None:
        return state

    return build([Decider(kind="till", initial=None, decide=[decide, close], evolve=evolve)])


def before() -> Story:
    """At 5 ms a till was opened, to be closed a second later."""
    timer = Timer("5-0", 1005, "timer/t", "Close", TILL, '{"reason":"late"}', "{}")
    return Story().answer("Open", {}, entry="5-0").standing(closing=timer)


def as_before(_command: Open, _state: None) -> TimerChange:
    return set_timer("closing", Close(), after=timedelta(seconds=1))


def with_another(_command: Open, _state: None) -> list[TimerChange]:
    return [as_before(_command, None), set_timer("new", Close(), after=timedelta(1))]


@pytest.mark.parametrize("decide", [as_before, with_another])
async def test_the_same_timer_is_no_difference(decide: Any) -> None:
    # Of one that is gone, or never was, nothing is kept to compare with.
    assert await differences(before(), opening(decide)) == []


def later(_command: Open, _state: None) -> TimerChange:
    return set_timer("closing", Close(reason="dark"), after=timedelta(seconds=2))


def never(_command: Open, _state: None) -> TimerChange:
    return cancel_timer("closing")


@pytest.mark.parametrize(
    ("decide", "about", "message"),
    [
        (
            later,
            "Open: timer closing.due, timer closing.data.reason would be another",
            'closing.due was "1970-01-01T00:00:01.005000Z", would be "1970-01-01T00:00:02.005000Z"',
        ),
        (never, "Open: timer closing would be another", "timer closing was set, would not be"),
    ],
)
async def test_another_timer_is_a_difference(decide: Any, about: str, message: str) -> None:
    [found] = await differences(before(), opening(decide))
    assert (found.check, found.about) == ("decision", about)
    assert message in found.message


async def test_a_timer_that_would_be_refused_is_one_too() -> None:
    def far(_command: Open, _state: None) -> TimerChange:
        return set_timer("closing", Close(), after=timedelta(days=1000))

    def astray(_command: Open, _state: None) -> TimerChange:
        class Unknown(Command):
            pass

        return set_timer("closing", Unknown(), after=timedelta(1))

    [found] = await differences(before(), opening(far))
    assert "would be rejected (timer_too_far)" in found.about
    [found] = await differences(before(), opening(astray))
    assert "would be failed (raised)" in found.about


@pytest.mark.parametrize(
    ("status", "code", "digest"),
    [("rejected", "stale_timer", ""), ("rejected", "busy", ""), ("rejected", "timer_too_far", "d")],
)
async def test_what_does_not_come_of_the_code_is_passed_over(
    status: str, code: str, digest: str
) -> None:
    story = Story().answer("Open", {}, status, code, digest=digest)
    replay = await story.replayed(opening(as_before))
    assert (replay.differences, replay.decided) == ([], 0)
