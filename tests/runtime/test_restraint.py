"""Checkpoints that tell only how far was read: the first at once, the others now and then."""

import anyio
import pytest

from engine.core.generations import BUILDING
from engine.core.records import Checkpoint
from engine.runtime import restraint
from engine.runtime.restraint import EACH_SECONDS, Restraint
from projections.stock import stock
from tests.eventually import eventually
from tests.runtime.reading import reading


class Clock:
    """Seconds, wound on by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_first_after_a_while_is_written_at_once() -> None:
    mine = Restraint(Clock())
    assert not mine.puts_off(Checkpoint(1))
    assert mine.put_off is None
    assert mine.patience(7.0) == 7.0


def test_those_that_follow_are_put_off_until_their_time() -> None:
    clock = Clock()
    mine = Restraint(clock)
    mine.wrote()
    assert mine.puts_off(Checkpoint(2))
    clock.now += EACH_SECONDS / 2
    assert mine.puts_off(Checkpoint(3))
    assert mine.put_off == Checkpoint(3)
    assert 0 < mine.patience(7.0) <= EACH_SECONDS / 2
    clock.now += EACH_SECONDS
    assert mine.patience(7.0) == 0.0
    assert not mine.puts_off(Checkpoint(4))


def test_a_write_takes_with_it_what_was_put_off() -> None:
    mine = Restraint(Clock())
    mine.wrote()
    mine.puts_off(Checkpoint(2))
    mine.wrote()
    assert mine.put_off is None


async def test_a_log_that_is_nothing_to_a_read_model_is_not_written_event_by_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restraint, "EACH_SECONDS", 3600.0)
    written: list[int] = []
    async with reading() as r:
        log = r.entries()

        async def note() -> None:
            written.append(r.position(1, stock))

        r.wrap["after"] = {"apply": note}
        async with r.projecting(1, [[entry] for entry in log], projection=stock) as projector:
            await r.reached(1, 1, projection=stock)
            rate = projector.progress.report
            await eventually(lambda: rate().rate, "events are counted as they are read")
        assert written[0] == 1, "the first is written at once"
        assert written[-1] == len(log), "and the last at a stop"
        assert len(written) < len(log)


async def test_what_is_put_off_is_written_before_long() -> None:
    async with reading() as r:
        log = r.entries()
        async with r.projecting(1, [[entry] for entry in log], projection=stock):
            await r.reached(1, len(log), projection=stock)


async def test_one_that_is_built_writes_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restraint, "EACH_SECONDS", 3600.0)
    async with reading() as r:
        log = r.entries()
        projector = await r.projector(1, [[entry] for entry in log], projection=stock)
        projector._build.stage = BUILDING
        token = await r.acquire(1, stock)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(projector.serve, token)
            await r.reached(1, len(log), projection=stock)
            projector.stop()
