"""A build takes a share of the time; whoever asks for more waits for his turn."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Self

import anyio
import pytest

from engine.runtime.pace import BATCH_EVENTS, Pace, paced


class Times(anyio.Event):
    """A clock for the pace, and a stop that never comes: time passes while it is waited for."""

    def __new__(cls, _patch: pytest.MonkeyPatch) -> Self:
        return object.__new__(cls)

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        patch.setattr(anyio, "current_time", lambda: self.now)
        patch.setattr(anyio, "move_on_after", self._pass)

    @contextmanager
    def _pass(self, seconds: float) -> Iterator[None]:
        self.now += seconds
        yield

    async def wait(self) -> None:
        """Nobody stops anything."""

    def is_set(self) -> bool:
        """Nobody has."""
        return False


async def test_a_bounded_pace_works_for_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times, pace, began = Times(monkeypatch), Pace(), 100.0
    pace.share = 0.25
    for _ in range(100):
        await pace.turn(times)
        times.now += 0.01
        pace.took(0.01)
    worked = 100 * 0.01
    assert 0.9 * 0.25 < worked / (times.now - began) < 1.1 * 0.25


async def test_a_pace_without_bounds_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    times, pace = Times(monkeypatch), Pace()
    for _ in range(10):
        await pace.turn(times)
        pace.took(0.05)
    assert times.now == 100
    assert pace.batch(512) == 512


async def test_a_step_that_waited_for_something_else_does_not_hold_up_the_next_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times, pace = Times(monkeypatch), Pace()
    pace.share = 0.5
    await pace.turn(times)
    pace.took(3600)
    await pace.turn(times)
    await pace.turn(times)
    assert times.now < 101


def test_a_bounded_pace_takes_small_steps() -> None:
    pace = Pace()
    pace.share = 0.5
    assert (pace.batch(512), pace.batch(50)) == (BATCH_EVENTS, 50)


async def test_paced_pages_all_come_and_none_after_a_stop() -> None:
    async def pages() -> AsyncIterator[int]:
        for number in range(5):
            yield number

    stopping = anyio.Event()
    assert [page async for page in paced(pages(), 0.5, stopping)] == [0, 1, 2, 3, 4]
    stopping.set()
    assert [page async for page in paced(pages(), 0.5, stopping)] == [0]


async def test_a_page_that_waited_for_something_else_is_not_rested_from_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = Times(monkeypatch)

    async def pages() -> AsyncIterator[int]:
        for number in range(3):
            times.now += 3600
            yield number

    began = times.now
    assert [page async for page in paced(pages(), 0.01, times)] == [0, 1, 2]
    assert times.now - began < 3 * (3600 + 10) + 1
