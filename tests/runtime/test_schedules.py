"""Recurring schedules: each occurrence once, and one for all that were missed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
import structlog

from engine import Schedule
from engine.core.errors import NotNow, Torn
from engine.core.schedules import Recurring, registered
from engine.runtime import schedules
from engine.runtime.schedules import Scheduler
from tests.eventually import eventually
from tests.runtime.bells import Remind, clockwork
from tests.runtime.meddling import Barrier, Meddler
from tests.runtime.stage import PARTITIONS, Stage, home
from tests.runtime.timing import stage_with

BELL = "bell-1"
HOUR, DAY = 3600, 86_400
NIGHTLY = Schedule("nightly", cron="0 3 * * *", aggregate=BELL, command=Remind(text="night"))
SOURCE = "schedule/nightly"


def recurring(cron: str = "0 3 * * *") -> Recurring:
    one = Schedule("nightly", cron=cron, aggregate=BELL, command=Remind(text="night"))
    return registered(clockwork(), [one])["nightly"]


@asynccontextmanager
async def served(
    stage: Stage, one: Recurring | None = None, occurrences: Any = None
) -> AsyncIterator[Scheduler]:
    """A schedule, served from a session of its own."""
    async with stage.session() as session, anyio.create_task_group() as tasks:
        scheduler = Scheduler(
            one or recurring(), occurrences or session.occurrences, PARTITIONS, session.secret
        )
        tasks.start_soon(scheduler.serve, "token")
        yield scheduler
        scheduler.stop()


def mark(stage: Stage) -> str:
    return stage.server.data.hash(stage.keys.sources(home(BELL))).get(SOURCE, "")


def submitted(stage: Stage) -> list[str]:
    """The times of the occurrences that were submitted."""
    entries = stage.server.data.stream(stage.keys.commands(home(BELL))).entries
    metas = [json.loads(entry.fields[b"meta"]) for entry in entries]
    return [datetime.fromisoformat(meta["time"]).strftime("%m-%d %H:%M") for meta in metas]


async def begun(stage: Stage) -> None:
    await eventually(lambda: mark(stage), "it begins to count")


async def occurred(stage: Stage, count: int) -> None:
    await eventually(lambda: len(submitted(stage)) >= count, f"{count} occurrences")
    assert len(submitted(stage)) == count


async def test_a_new_schedule_begins_with_the_next_occurrence() -> None:
    stage = stage_with()
    async with served(stage):
        await begun(stage)
        assert submitted(stage) == []
        stage.wind(15 * HOUR)
        await occurred(stage, 1)
        stage.wind(DAY)
        await occurred(stage, 2)
    assert submitted(stage) == ["02-01 03:00", "02-02 03:00"]
    at = int(datetime(2026, 2, 2, 3, tzinfo=UTC).timestamp() * 1000)
    assert mark(stage) == f"{at} 0 3 * * * UTC"


async def test_what_is_submitted_is_an_ordinary_command_of_its_time() -> None:
    stage = stage_with()
    async with served(stage), stage.owner(home(BELL)):
        await begun(stage)
        stage.wind(15 * HOUR)
        await eventually(lambda: stage.events(BELL), "it is handled")
        [outcome] = stage.outcomes(home(BELL))
        assert outcome.id.startswith(f"schedule/nightly/{mark(stage).split()[0]}/")
        assert outcome.status == "accepted"


@pytest.mark.parametrize(("days", "last"), [(1, "02-01 03:00"), (40, "03-12 03:00")])
async def test_of_those_missed_the_last_one_is_made_up_for(days: int, last: str) -> None:
    stage = stage_with()
    async with served(stage):
        await begun(stage)
    stage.wind(days * DAY)
    with structlog.testing.capture_logs() as logged:
        async with served(stage):
            await occurred(stage, 1)
    assert submitted(stage) == [last]
    assert [one["event"] for one in logged] == ["schedule.late"]


async def test_nothing_is_made_up_for_where_nothing_was_missed() -> None:
    stage, looks = stage_with(), []
    async with served(stage):
        await begun(stage)
    stage.wind(14 * HOUR)

    async def look() -> None:
        looks.append(1)

    async with stage.session() as session:
        watched = Meddler(session.occurrences, before={"sleep": look})
        async with served(stage, occurrences=watched):
            await eventually(lambda: looks, "it sleeps")
    assert submitted(stage) == []


async def test_a_schedule_whose_times_were_changed_begins_anew() -> None:
    stage = stage_with()
    async with served(stage):
        await begun(stage)
    stage.wind(10 * DAY)
    before = mark(stage)
    async with served(stage, recurring("30 12 * * *")):
        await eventually(lambda: mark(stage) != before, "it begins anew")
        assert submitted(stage) == []
        stage.wind(HOUR)
        await occurred(stage, 1)
    assert submitted(stage) == ["02-10 12:30"]


async def test_two_that_submit_one_occurrence_submit_it_once() -> None:
    stage, barrier = stage_with(), Barrier()
    async with served(stage):
        await begun(stage)
    stage.wind(DAY)
    async with stage.session() as session:
        slow = Meddler(session.occurrences, before={"submit": barrier})
        async with served(stage, occurrences=slow) as late:
            await barrier.reached.wait()
            async with served(stage):
                await occurred(stage, 1)
            barrier.opened.set()
            await eventually(lambda: late.progress.report().moved is not None, "it tried")
            stage.wind(DAY)
            await occurred(stage, 2)
    assert submitted(stage) == ["02-01 03:00", "02-02 03:00"]


async def test_a_redis_that_takes_nothing_for_now_is_asked_again() -> None:
    stage, no = stage_with(), [NotNow("OOM full")]

    async def refuse() -> None:
        if no:
            raise no.pop()

    async with (
        stage.session() as session,
        served(stage, occurrences=Meddler(session.occurrences, {"submit": refuse})),
    ):
        await begun(stage)


async def test_a_mark_that_no_schedule_writes_stops_it() -> None:
    stage = stage_with()
    stage.server.data.put(stage.keys.sources(home(BELL)), {SOURCE: "scribble"})
    async with stage.session() as session:
        scheduler = Scheduler(recurring(), session.occurrences, PARTITIONS, session.secret)
        with pytest.raises(Torn, match="scribble"):
            await scheduler.serve("token")


async def test_each_schedule_of_the_code_has_a_lease() -> None:
    stage = stage_with()
    stage.domain.schedules = registered(stage.domain, [NIGHTLY])
    async with stage.session() as session:
        groups = schedules.schedule_groups(session, stage.domain)
        assert {name: list(group) for name, group in groups.items()} == {
            SOURCE: [stage.keys.schedule("nightly")]
        }
