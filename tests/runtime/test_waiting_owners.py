"""Commands that wait outlive their owner: whoever comes next goes on where they stand."""

import anyio
import pytest

from engine.core.errors import Fenced
from engine.core.ids import uuid7
from engine.core.outcome import Status
from engine.runtime.caution import CRASHES_LIMIT, DEATHS_LIMIT
from tests.eventually import eventually
from tests.runtime.meddling import Death, Meddler, die
from tests.runtime.stage import NOON_MS, Stage, aggregates, home

PROBE = "probe-1"
HOME = home(PROBE)
SOON = {"retry_attempts": 1000, "retry_pause_seconds": 0.001}


async def test_the_next_owner_decides_what_waits_in_its_order() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    probes = aggregates("probe", HOME, 3)
    async with stage.owner(HOME):
        sent = [stage.send("Ask", probes[n % 3], id=f"a{n}") for n in range(30)]
        await stage.outcome(sent[-1], HOME)
    assert list(stage.waiting(HOME)) == sent
    stage.gates.down.clear()
    async with stage.owner(HOME):
        late = [await stage.late_outcome(entry, HOME) for entry in sent]
    assert [one.version for one in late] == [1 + n // 3 for n in range(30)]
    assert stage.waiting(HOME) == {}
    assert len({one.late for one in stage.late(HOME)}) == len(stage.late(HOME)) == 30


async def test_attempts_and_time_are_counted_on_by_the_next_owner() -> None:
    stage = Stage(retry_attempts=2, retry_pause_seconds=60)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE)
        since = stage.waiting(HOME)[deferred.entry]["since_ms"]
    async with stage.owner(HOME):
        late = await stage.late_outcome(deferred.entry, HOME)
    assert (late.status, len(stage.gates.asked)) == (Status.FAILED, 2)
    assert since <= stage.server.now_ms() - 10_000
    [letter] = stage.dead(HOME)
    assert letter["attempts"] == "2"


async def test_an_attempt_that_is_cut_off_is_made_again() -> None:
    stage = Stage(patience_seconds=0.01)
    async with stage.owner(HOME):
        slow = await stage.answer("Wait", PROBE, {"gate": "g"}, id="slow")
    assert stage.late(HOME) == []
    stage.gates["g"].set()
    async with stage.owner(HOME):
        assert (await stage.late_outcome(slow.entry, HOME)).status is Status.ACCEPTED
    assert stage.gates.waiting == ["slow", "slow"]


async def test_an_owner_that_dies_with_a_late_commit_leaves_all_or_nothing() -> None:
    for moment in ("before", "after"):
        stage = Stage(**SOON)
        stage.gates.down.add("s")
        async with stage.owner(HOME):
            deferred = await stage.answer("Ask", PROBE, id="a")
        stage.gates.down.clear()
        stage.wrap = lambda ledger, moment=moment: Meddler(ledger, **{moment: {"commit": die}})  # type: ignore[misc]
        async with stage.session() as session:
            served, token = await stage.partition(session, HOME), await stage.acquire(session, HOME)
            with pytest.raises(Death):
                await served.serve(token)
        assert len(stage.late(HOME)) == len(stage.events(PROBE)) == (moment == "after")
        assert len(stage.waiting(HOME)) == (moment == "before")
        stage.wrap = lambda ledger: ledger
        async with stage.owner(HOME):
            assert (await stage.late_outcome(deferred.entry, HOME)).version == 1
            again = await stage.answer("Ask", PROBE, id="a")
        assert (again.status, again.detail["first"]["entry"]) == ("duplicate", deferred.entry)
        assert stage.events(PROBE) == [("1-0", "Noted")]


async def test_who_was_fenced_meanwhile_decides_nothing_late() -> None:
    stage = Stage(patience_seconds=0.01)
    async with stage.session() as first:
        served, token = await stage.partition(first, HOME), await stage.acquire(first, HOME)
        fenced = anyio.Event()

        async def serve() -> None:
            with pytest.raises(Fenced):
                await served.serve(token)
            fenced.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            slow = await stage.answer("Wait", PROBE, {"gate": "g"}, id="slow")
            async with stage.owner(HOME):
                await eventually(lambda: len(stage.gates.waiting) == 2, "both are at it")
                stage.gates["g"].set()
                await stage.late_outcome(slow.entry, HOME)
                await fenced.wait()
    assert len(stage.late(HOME)) == len(stage.events(PROBE)) == 1


async def test_a_repeat_of_what_waited_is_known_by_the_next_owner() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE, id="a")
    async with stage.owner(HOME):
        repeat = await stage.answer("Ask", PROBE, id="a")
        assert repeat.status is Status.DEFERRED
        stage.gates.down.clear()
        await stage.late_outcome(repeat.entry, HOME)
    for _ in range(2):
        async with stage.owner(HOME):
            again = await stage.answer("Ask", PROBE, id="a")
            assert (again.status, again.detail["first"]["entry"]) == ("duplicate", deferred.entry)
    assert len(stage.events(PROBE)) == 1


async def test_a_repeat_that_waits_is_known_by_who_comes_after_its_firsts_late_outcome() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        first, repeat = [await stage.answer("Ask", PROBE, id="a") for _ in "12"]
    stage.gates.down.clear()
    stage.wrap = lambda ledger: Meddler(ledger, after={"commit": die})
    async with stage.session() as session:
        served, token = await stage.partition(session, HOME), await stage.acquire(session, HOME)
        with pytest.raises(Death):
            await served.serve(token)
    assert list(stage.waiting(HOME)) == [repeat.entry]
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        late = await stage.late_outcome(repeat.entry, HOME)
    assert (late.status, late.detail["first"]["entry"]) == ("duplicate", first.entry)
    assert stage.events(PROBE) == [("1-0", "Noted")]


async def test_what_waits_is_known_however_many_outcomes_came_since() -> None:
    keep = {"outcomes_keep_count": 100, "commands_keep_count": 10, "retry_seconds": 10**6}
    stage = Stage(**keep, **SOON)
    stage.gates.down.add("s")
    other = aggregates("probe", HOME, 2)[1]
    id = uuid7(NOON_MS)
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE, id=id)
        await notes(stage, other)
        await eventually(lambda: deferred.entry not in kept(stage), "its outcome is trimmed")
    async with stage.owner(HOME):
        repeat = await stage.answer("Ask", PROBE, id=id)
        assert repeat.status is Status.DEFERRED
        stage.gates.down.clear()
        late = await stage.late_outcome(deferred.entry, HOME)
        assert late.status is Status.ACCEPTED
        assert (await stage.late_outcome(repeat.entry, HOME)).status is Status.DUPLICATE
        assert (await stage.answer("Ask", PROBE, id=id)).status is Status.DUPLICATE
    assert len(stage.events(PROBE)) == 1


async def notes(stage: Stage, aggregate: str) -> None:
    """So many commands, so long after each other, that what came before is forgotten."""
    for _ in range(3):
        stage.clock.now += 100
        sent = [stage.send("Note", aggregate) for _ in range(120)]
        await stage.outcome(sent[-1], HOME)


def kept(stage: Stage) -> list[str]:
    return [one.entry for one in stage.outcomes(HOME)]


async def test_late_outcomes_leave_with_the_window() -> None:
    stage = Stage(outcomes_keep_count=100, commands_keep_count=10, **SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE, id="a")
        stage.gates.down.clear()
        await stage.late_outcome(deferred.entry, HOME)
        await notes(stage, PROBE)
        await eventually(lambda: not stage.late(HOME), "it is forgotten with all of its time")
    async with stage.owner(HOME):
        assert (await stage.answer("Ask", PROBE, id="a")).status is Status.ACCEPTED


async def test_a_command_that_waits_and_kills_is_found_out() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        sent = [await stage.answer("Ask", PROBE), await stage.answer("Kill", PROBE, id="deadly")]
        behind = await stage.answer("Note", PROBE)
    stage.gates.down.clear()
    for _ in range(CRASHES_LIMIT + DEATHS_LIMIT):
        async with stage.session() as session:
            served, token = await stage.partition(session, HOME), await stage.acquire(session, HOME)
            with pytest.raises(Death):
                await served.serve(token)
        assert [one.entry for one in stage.late(HOME)] == [sent[0].entry]
    async with stage.owner(HOME):
        deadly = await stage.late_outcome(sent[1].entry, HOME)
        assert (deadly.status, deadly.detail["code"]) == (Status.FAILED, "deadly")
        assert (await stage.late_outcome(behind.entry, HOME)).status is Status.ACCEPTED
    assert [letter["id"] for letter in stage.dead(HOME)] == ["deadly"]
