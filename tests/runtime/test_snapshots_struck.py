"""Snapshots when owners change, tails are lost and streams are damaged."""

from typing import Any

import anyio

from engine.core.errors import Fenced
from engine.core.outcome import Status
from engine.telemetry.actors import SNAPSHOTS_IGNORED
from tests.eventually import eventually
from tests.runtime.keeping import HOME, PROBE, counted, kept, note, snapshot, texts, with_snapshot
from tests.runtime.meddling import Barrier, Meddler
from tests.runtime.stage import Stage


async def test_one_is_not_trusted_after_a_tail_was_lost() -> None:
    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    data = stage.server.data
    [old] = [data.text(stage.keys.snapshot(HOME, PROBE))]
    async with stage.owner(HOME):
        pass
    # A server that never got the last two events, nor what was kept of them afterwards …
    for key in (stage.keys.events(HOME, PROBE), stage.keys.log(HOME)):
        del data.stream(key).entries[3:]
        data.stream(key).last = "3-0"
    last = stage.outcomes(HOME)[2].entry
    outcomes = data.stream(stage.keys.outcomes(HOME))
    del outcomes.entries[3:]
    outcomes.last = last
    data.put(stage.keys.head(HOME), {"commit": "3", "position": "3", "command": last})
    del data.stream(stage.keys.commands(HOME)).entries[3:]
    # … but this, by some restoring hand.
    assert old is not None
    before = counted(SNAPSHOTS_IGNORED, "ahead"), counted(SNAPSHOTS_IGNORED, "replaced")
    assert await texts(stage) == ("a", "b", "c", "z")
    assert counted(SNAPSHOTS_IGNORED, "ahead") == before[0] + 1
    # The fourth event is there again, and another one.
    data.plant(stage.keys.snapshot(HOME, PROBE), old)
    assert await texts(stage) == ("a", "b", "c", "z", "z")
    assert counted(SNAPSHOTS_IGNORED, "replaced") == before[1] + 1


async def test_a_hole_below_a_snapshot_is_found_all_the_same() -> None:
    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    entries = stage.server.data.stream(stage.keys.events(HOME, PROBE)).entries
    entries[:] = [entry for entry in entries if entry.id != "2-0"]
    async with stage.owner(HOME):
        outcome = await stage.answer("Note", PROBE)
        assert (outcome.status, outcome.detail["code"]) == (Status.FAILED, "damaged")
        assert "version 2 is missing" in outcome.detail["message"]


async def test_one_that_lost_its_lease_in_the_middle_writes_none() -> None:
    stage, barrier = Stage(snapshot_events=2), Barrier()

    def held_up(ledger: Any) -> Any:
        ledger.snapshots = Meddler(ledger.snapshots, before={"keep": barrier})
        return ledger

    stage.wrap = held_up
    async with stage.session() as old, stage.session() as new:
        token = await stage.acquire(old, HOME)
        served, ended = await stage.partition(old, HOME), list[Exception]()

        async def serve() -> None:
            try:
                await served.serve(token)
            except Fenced as error:
                ended.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            await note(stage, "a", "b")
            await barrier.reached.wait()
            stage.wrap = lambda ledger: ledger
            async with stage.owning(new, HOME):
                await note(stage, "c", "d")
                await kept(stage, 3)
                barrier.opened.set()
                await eventually(lambda: ended, "the old owner is fenced")
                assert snapshot(stage)["version"] == 3
