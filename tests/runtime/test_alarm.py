"""What fires timers: it asks nothing while nothing is due, and gives up nothing it was asked."""

from collections.abc import MutableMapping
from typing import Any

import anyio
import pytest
import structlog

from engine.core.errors import Fenced, NotNow
from tests.counted import Counted
from tests.eventually import eventually
from tests.runtime.meddling import Death, Meddler, die
from tests.runtime.timing import BELL, HOME, handled, sent, stage_with, through


async def test_an_owner_that_dies_when_a_timer_has_fired_leaves_it_to_the_next() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 3600})
    through(stage, lambda timers: Meddler(timers, after={"fire": die}))
    stage.wind(3600)
    async with stage.session() as session:
        token = await stage.acquire(session, HOME)
        partition = await stage.partition(session, HOME)
        with pytest.raises(Death):
            await partition.serve(token)
    assert len(sent(stage)) == 1
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        await handled(stage)
        assert len(sent(stage)) == 1
        assert [kind for _, kind in stage.events(BELL)] == ["Set", "Reminded"]


async def test_nothing_is_asked_while_nothing_is_due() -> None:
    stage, asked = stage_with(), []

    async def ask() -> None:
        asked.append(1)

    through(stage, lambda timers: Meddler(timers, before={"fire": ask}))
    async with stage.owner(HOME):
        for _ in range(20):
            await stage.answer("CallOff", BELL)
        assert len(asked) == 1
        await stage.answer("SetOff", BELL, {"after": 3600})
        await eventually(lambda: len(asked) == 2, "the alarm looks at what was set")
        for _ in range(20):
            await stage.answer("SetOff", BELL, {"after": 7200, "name": "later"})
        assert len(asked) == 2


async def test_a_redis_that_takes_nothing_for_now_is_asked_again() -> None:
    stage, no = stage_with(), [NotNow("OOM full"), NotNow("OOM full")]

    async def refuse() -> None:
        if no:
            raise no.pop()

    through(stage, lambda timers: Meddler(timers, before={"fire": refuse}))
    with structlog.testing.capture_logs() as logged:
        async with stage.owner(HOME):
            await stage.answer("SetOff", BELL, {"after": 0})
            await handled(stage)
    assert [one["event"] for one in logged] == ["timers.held"]


async def test_a_timer_that_cannot_be_read_is_named() -> None:
    stage = stage_with()
    logged: list[MutableMapping[str, Any]]
    with structlog.testing.capture_logs() as logged:
        async with stage.owner(HOME):
            await stage.answer("SetOff", BELL, {"after": 60})
            stage.server.data.put(stage.keys.timer(HOME), {"bell-1/bell": "scribble"})
            stage.wind(60)
            await eventually(lambda: logged, "it is said")
    assert [(one["event"], one["timers"]) for one in logged] == [
        ("timers.damaged", ["bell-1/bell"])
    ]


async def test_timers_are_counted() -> None:
    stage, counted = stage_with(), Counted()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60, "name": "first"})
        await stage.answer("SetOff", BELL, {"after": 90, "name": "second"})
        stage.wind(61)
        await handled(stage)
        of = {"partition": str(HOME)}
        assert counted.now("semel_timers", **of) == 1
        assert counted.now("semel_timer_overdue_seconds", **of) == 0
    assert counted.more("semel_timer_late_seconds_count") == 1
    assert counted.more("semel_timer_late_seconds_sum") == pytest.approx(1)


async def test_an_alarm_that_is_fenced_ends_its_partition() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 3600})
    async with stage.session() as session:
        token = await stage.acquire(session, HOME)
        partition = await stage.partition(session, HOME)
        await stage.acquire(session, HOME)
        stage.wind(3600)
        with pytest.raises(Fenced):
            await partition.serve(token)
    assert sent(stage) == []


async def test_an_alarm_that_is_fenced_while_it_sleeps_ends_its_partition_when_it_wakes() -> None:
    stage = stage_with()
    async with stage.session() as session:
        token = await stage.acquire(session, HOME)
        partition = await stage.partition(session, HOME)

        async def lose() -> None:
            await stage.answer("SetOff", BELL, {"after": 3600})
            await stage.acquire(session, HOME)
            stage.wind(3600)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lose)
            with pytest.raises(Fenced):
                await partition.serve(token)
    assert sent(stage) == []
