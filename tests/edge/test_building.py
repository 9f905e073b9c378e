"""What operators do about builds, and what they see of them, on a shop in memory."""

from functools import partial
from typing import Any, cast

import anyio
import pytest

from engine.core.errors import Conflict
from engine.core.generations import Generations, code_as
from engine.edge.building import Building
from engine.edge.course import Course, Stage
from engine.runtime import curator
from engine.store.memory.builds import MemoryBuilds
from tests.eventually import eventually
from tests.runtime.works import NAME, Works, never_level, works


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDLE_SECONDS", "CALM_SECONDS", "FLIP_SECONDS"):
        monkeypatch.setattr(curator, name, 0.01)


def building(w: Works) -> Building:
    return Building(cast("Any", w.session), NAME, lease_seconds=1)


async def stage(w: Works, generation: int) -> Stage:
    return (await Course(building(w), generation).look()).stage


async def test_of_those_who_begin_at_once_one_begins_and_the_others_join(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.revise((await w.said()).paused())
        begun = []

        async def begin() -> None:
            begun.append(await building(w).rebuild("a"))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(begin)
        assert sorted(each.is_new for each in begun) == [False] * 4 + [True]
        assert {each.said.building for each in begun} == {2}
        assert (await w.said()).last == 2


async def test_who_comes_second_decides_again_on_what_the_first_has_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.revise((await w.said()).paused())
        revise, others = MemoryBuilds.revise, ["b"]

        async def late(self: MemoryBuilds, projection: str, new: Generations) -> bool:
            while others:
                await building(w).rebuild(others.pop())
            return await revise(self, projection, new)

        monkeypatch.setattr(MemoryBuilds, "revise", late)
        with pytest.raises(Conflict, match="orders@2 is being built by other code"):
            await building(w).rebuild("a")
        assert (await w.said()).building_digest == "b"


async def test_what_became_of_a_build_is_seen_at_each_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        await w.revise((await w.said()).paused())
        await building(w).rebuild("a", max_load=1)
        course = Course(building(w), 2)
        seen = await course.look()
        assert (seen.stage, seen.done, seen.rate, seen.workers) == (Stage.BUILDING, 0, 0, 0)
        assert seen.is_paused
        await building(w).resume()
        await w.live(2)
        await w.applied(2)
        seen = await course.look()
        assert (seen.done, seen.workers, seen.previous) == (seen.events, 1, 1)
        assert seen.rate > 0

        async def is_compared() -> bool:
            return await stage(w, 2) is Stage.LIVE

        await eventually(is_compared, "its rows were compared")
        await building(w).roll_back()
        assert await stage(w, 2) is Stage.REPLACED
        assert await stage(w, 1) in (Stage.COMPARING, Stage.LIVE)
        assert await stage(w, 3) is Stage.GIVEN_UP


async def test_a_flip_is_taken_back_while_commands_come(monkeypatch: pytest.MonkeyPatch) -> None:
    async with works(monkeypatch) as w, anyio.create_task_group() as load:
        await w.worker("a")
        await building(w).rebuild("a", max_load=1)
        await w.live(2)
        load.start_soon(w.submit, 40)
        for live in (1, 2, 1):
            assert (await building(w).roll_back()).live == live


async def test_under_steady_load_a_flip_is_taken_back_to_where_it_stood_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await building(w).rebuild("a", max_load=1)
        await w.live(2)
        await w.submit(5)
        await w.applied(2)
        await w.applied(1)
        tried = never_level(monkeypatch)
        stood = await w.session.builds.positions(NAME, 2)
        assert (await building(w).roll_back()).live == 1
        assert tried[0] == []
        assert tried[-1] == stood


async def test_it_is_known_which_code_is_there_and_who_works_on_what(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        old = await w.worker("a")
        await w.applied(1)
        await w.worker("b")
        b = building(w)
        assert await b.workers(code_as(NAME, "a")) == await b.workers(f"{NAME}@1") == {"w0"}
        assert await b.workers(code_as(NAME, "b")) == {"w1"}
        assert await b.owners(1) == {"w0"}
        await b.adopt("b", 1)

        async def are(owners: set[str]) -> bool:
            return await b.owners(1) == owners

        await eventually(partial(are, {"w1"}), "it is handed over")
        with pytest.raises(Conflict, match="orders@1 has gone live meanwhile"):
            await b.adopt("a", 2)
        old.shutdown.ask()
