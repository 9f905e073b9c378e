"""Snapshots in a partition's life: made behind commits, used when cold, never trusted blindly."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from engine import Decider
from engine.core.errors import NotNow
from engine.core.snapshots import States, Unkept
from engine.runtime import reviving
from engine.runtime.reviving import EVENT_BYTES
from engine.telemetry.actors import SNAPSHOTS, SNAPSHOTS_IGNORED
from tests.eventually import eventually
from tests.runtime.keeping import (
    HOME,
    PROBE,
    counted,
    damage,
    kept,
    note,
    snapshot,
    texts,
    with_snapshot,
)
from tests.runtime.meddling import Meddler
from tests.runtime.stage import Stage, aggregates


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as said:
        yield said


async def test_a_state_is_kept_every_so_many_events() -> None:
    stage = Stage(snapshot_events=2)
    async with stage.owner(HOME):
        await note(stage, "a")
        assert snapshot(stage) == {}
        await note(stage, "b")
        await kept(stage, 2)
        await note(stage, "c")
        entry = stage.send("Note", PROBE, {"text": "d"})
        await kept(stage, 4)
    said = snapshot(stage)
    assert said["entry"] == entry
    assert said["state"] == ["a", "b", "c", "d"]
    assert said["schema"] == stage.domain.states["probe"].schema


async def test_an_aggregate_is_revived_from_its_snapshot_and_what_is_above() -> None:
    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    damage(stage, '"b"', '"B"')  # to be seen that it is this that is read
    assert await texts(stage) == ("a", "B", "c", "d", "e", "z")


async def test_with_none_asked_for_none_is_made_nor_used() -> None:
    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    damage(stage, '"b"', '"B"')
    stage.settings = stage.settings.model_copy(update={"snapshot_events": 0})
    assert await texts(stage) == ("a", "b", "c", "d", "e", "z")
    assert snapshot(stage)["version"] == 4


async def test_a_decider_says_when_its_own_are_kept() -> None:
    stage = Stage(snapshot_events=0)
    probe = stage.domain.deciders["probe"]
    stage.domain.deciders["probe"] = Decider(
        kind="probe", initial=probe.initial, decide=probe.decide, evolve=probe.evolve,
        snapshot_events=3,
    )  # fmt: skip
    async with stage.owner(HOME):
        await note(stage, "a", "b", "c")
        await kept(stage, 3)


async def test_a_long_history_without_a_snapshot_gets_one_when_it_is_loaded() -> None:
    stage = Stage(snapshot_events=0)
    async with stage.owner(HOME):
        await note(stage, "a", "b", "c")
    stage.settings = stage.settings.model_copy(update={"snapshot_events": 3})
    async with stage.owner(HOME):
        await stage.answer("Refuse", PROBE)
        await kept(stage, 3)


async def test_a_large_state_is_kept_more_rarely() -> None:
    stage = Stage(snapshot_events=2)
    async with stage.owner(HOME):
        await note(stage, "a", "x" * 5 * EVENT_BYTES)
        await kept(stage, 2)
        await note(stage, "c", "d", "e", "f")
        assert snapshot(stage)["version"] == 2
        await note(stage, "g")
        await kept(stage, 7)


async def test_what_took_long_to_load_is_kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    async with stage.owner(HOME):
        await note(stage, "a", "b")
    async with stage.owner(HOME):
        await stage.answer("Refuse", PROBE)
    assert snapshot(stage) == {}
    monkeypatch.setattr(reviving, "SLOW_SECONDS", 0)
    async with stage.owner(HOME):
        await stage.answer("Refuse", aggregates("probe", HOME, 2)[1])  # of which there is nothing
        await stage.answer("Refuse", PROBE)
        await kept(stage, 2)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"d"]', '"d"', "damaged"),
        ('"d"]', "7]", "damaged"),
        ('{"version"', '"version"', "damaged"),
        ('"version":4', '"version":3', "replaced"),
        ('"version":4', '"version":9', "ahead"),
        ('"entry":"', '"entry":"1', "replaced"),
        ('"schema":"', '"schema":"0', "schema"),
    ],
)
async def test_one_that_does_not_fit_is_counted_and_the_events_are_read(
    old: str, new: str, reason: str
) -> None:
    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    damage(stage, old, new)
    before = counted(SNAPSHOTS_IGNORED, reason)
    assert await texts(stage) == ("a", "b", "c", "d", "e", "z")
    assert counted(SNAPSHOTS_IGNORED, reason) == before + 1
    await kept(stage, 6)


async def test_where_none_is_wanted_a_slow_load_makes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reviving, "SLOW_SECONDS", 0)
    stage = Stage(snapshot_events=0)
    async with stage.owner(HOME):
        await note(stage, "a")
    assert await texts(stage) == ("a", "z")
    assert snapshot(stage) == {}


async def test_a_kind_that_is_given_up_while_one_is_loaded_is_read_from_its_events() -> None:
    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    states = stage.domain.states["probe"]

    async def give_up() -> None:
        with pytest.raises(Unkept):
            states.written((object(),), 1, "1-0")

    def meddled(ledger: Any) -> Any:
        ledger.snapshots = Meddler(ledger.snapshots, after={"recall": give_up})
        return ledger

    stage.wrap = meddled
    assert await texts(stage) == ("a", "b", "c", "d", "e", "z")


async def test_a_state_whose_own_code_fails_is_read_from_its_events() -> None:
    class Odd(States):
        def decoded(self, _: bytes) -> Any:
            raise KeyError("in __post_init__")

    stage = Stage(snapshot_events=4)
    await with_snapshot(stage)
    stage.domain.states = {"probe": Odd(stage.domain.deciders["probe"])}
    before = counted(SNAPSHOTS_IGNORED, "damaged")
    assert await texts(stage) == ("a", "b", "c", "d", "e", "z")
    assert counted(SNAPSHOTS_IGNORED, "damaged") == before + 1


async def test_a_commit_in_parts_keeps_only_what_all_of_it_made() -> None:
    stage = Stage(snapshot_events=2, batch_events=1)
    before = counted(SNAPSHOTS, "ahead")
    sent = [stage.send("Note", PROBE, {"text": str(n)}) for n in range(5)]
    async with stage.owner(HOME):
        for entry in sent:
            await stage.outcome(entry, HOME)
        await kept(stage, 5)
    assert snapshot(stage)["entry"] == sent[-1]
    assert counted(SNAPSHOTS, "ahead") == before


async def test_a_redis_that_takes_none_is_told_of_and_work_goes_on(
    logged: list[MutableMapping[str, Any]],
) -> None:
    stage = Stage(snapshot_events=2)

    async def refuse() -> None:
        raise NotNow("OOM command not allowed")

    def full(ledger: Any) -> Any:
        ledger.snapshots = Meddler(ledger.snapshots, before={"keep": refuse})
        return ledger

    stage.wrap = full
    before = counted(SNAPSHOTS, "refused")
    async with stage.owner(HOME):
        await note(stage, "a", "b", "c")
        await eventually(lambda: counted(SNAPSHOTS, "refused") == before + 1, "it is counted")
        await note(stage, "d", "e")
    assert counted(SNAPSHOTS, "refused") == before + 2
    assert snapshot(stage) == {}
    assert [one["count"] for one in logged if one["event"] == "snapshots.refused"] == [1, 1]
