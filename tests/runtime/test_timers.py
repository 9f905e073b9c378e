"""Timers: set with a commit, fired once by the clock of Redis, and known when they are stale."""

import json

import pytest

from engine.core.outcome import Status
from tests.eventually import eventually
from tests.runtime.stage import NOON_MS, home
from tests.runtime.timing import BELL, HOME, handled, known, sent, stage_with, waiting


async def test_a_timer_becomes_a_command_when_it_is_due() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        answer = await stage.answer("SetOff", BELL, {"after": 60, "text": "tea"})
        assert answer.status is Status.ACCEPTED
        assert waiting(stage) == {"bell-1/bell": stage.server.now_ms() + 60_000}
        stage.wind(59)
        await stage.answer("CallOff", BELL, {"name": "other"})
        assert sent(stage) == []
        stage.wind(1)
        [outcome] = await handled(stage)
        assert (outcome.status, outcome.version) == (Status.ACCEPTED, 2)
        assert [kind for _, kind in stage.events(BELL)] == ["Set", "Reminded"]
        assert (waiting(stage), known(stage)) == ({}, {})


async def test_after_counts_from_when_the_command_came_whatever_its_sender_says() -> None:
    stage = stage_with()
    entry = stage.send("SetOff", BELL, {"after": 60}, meta={"time": "1999-01-01T00:00:00Z"})
    came = int(entry.partition("-")[0])
    stage.wind(30)
    async with stage.owner(HOME):
        await stage.outcome(entry, HOME)
        assert waiting(stage) == {"bell-1/bell": came + 60_000}


@pytest.mark.parametrize("data", [{"at": 0}, {"at": -(10**9)}, {"after": 0}, {"after": -60}])
async def test_a_timer_in_the_past_fires_at_once(data: dict[str, float]) -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, data)
        [outcome] = await handled(stage)
        assert outcome.status is Status.ACCEPTED


async def test_a_timer_too_far_away_is_refused_and_nothing_of_its_command_holds() -> None:
    stage = stage_with(timer_limit_days=10)
    async with stage.owner(HOME):
        just = await stage.answer("SetOff", BELL, {"after": 10 * 86_400, "name": "just"})
        assert just.status is Status.ACCEPTED
        outcome = await stage.answer("SetOff", BELL, {"at": NOON_MS / 1000 + 20 * 86_400})
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "timer_too_far")
        assert "timer_limit_days" in outcome.detail["message"]
        assert list(waiting(stage)) == ["bell-1/just"]
        assert len(stage.events(BELL)) == 1


async def test_a_timer_that_is_set_again_is_another_one() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60, "text": "first"})
        await stage.answer("SetOff", BELL, {"after": 90, "text": "second"})
        stage.wind(60)
        await stage.answer("CallOff", BELL, {"name": "other"})
        assert sent(stage) == []
        stage.wind(30)
        await handled(stage)
        [one] = sent(stage)
        assert json.loads(one["data"]) == {"text": "second"}


async def test_a_timer_that_is_cancelled_does_not_fire() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60})
        await stage.answer("CallOff", BELL)
        assert (waiting(stage), known(stage)) == ({}, {})
        stage.wind(61)
        await stage.answer("SetOff", BELL, {"after": 0, "text": "after all that"})
        await handled(stage)
        assert len(sent(stage)) == 1


@pytest.mark.parametrize("batch_commands", [1, 256])
@pytest.mark.parametrize("way", ["CallOff", "SetOff"])
async def test_a_timer_that_fired_before_it_was_undone_is_stale(
    way: str, batch_commands: int
) -> None:
    stage = stage_with(batch_commands=batch_commands)
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 3600})
    stage.send(way, BELL, {"after": 7200} if way == "SetOff" else {})
    stage.wind(3600)
    async with stage.owner(HOME):
        [outcome] = await handled(stage)
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "stale_timer")
        assert "Reminded" not in [kind for _, kind in stage.events(BELL)]
        stage.wind(7200)
        if way == "SetOff":
            assert [one.status for one in await handled(stage, 2)][1] is Status.ACCEPTED
    assert (waiting(stage), known(stage)) == ({}, {})


async def test_a_timer_may_be_set_again_by_its_own_command() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("Tick", BELL)
        for count in range(1, 4):
            stage.wind(60)
            await handled(stage, count)
        assert [kind for _, kind in stage.events(BELL)] == ["Ticked"] * 4
        assert len({one["id"] for one in sent(stage)}) == 3


@pytest.mark.parametrize("after", [-60, 0, 0.999])
async def test_who_sets_itself_off_for_ever_is_stopped_and_told(after: float) -> None:
    stage = stage_with(causation_depth=5)
    async with stage.owner(HOME):
        await stage.answer("Spin", BELL, {"after": after})

        def is_over() -> bool:
            stage.wind(1)
            return bool(stage.server.data.stream(stage.keys.dead(HOME)).entries)

        await eventually(is_over, "one is a dead letter")
        *fine, last = await handled(stage, 5)
        assert {one.status for one in fine} == {Status.ACCEPTED}
        assert (last.status, last.detail["code"]) == (Status.FAILED, "endless")
        assert "causation_depth" in last.detail["message"]
        assert [kind for _, kind in stage.events(BELL)] == ["Ticked"] * 5
        assert (waiting(stage), known(stage)) == ({}, {})
        [letter] = stage.server.data.stream(stage.keys.dead(HOME)).entries
        assert letter.fields[b"type"] == b"Spin"
        again = await stage.answer("SetOff", BELL, {"after": 0})
        assert again.status is Status.ACCEPTED, "the aggregate itself goes on"


async def test_who_waits_a_second_each_time_goes_on() -> None:
    stage = stage_with(causation_depth=5)
    async with stage.owner(HOME):
        await stage.answer("Spin", BELL, {"after": 1})
        for count in range(1, 8):
            stage.wind(1)
            outcomes = await handled(stage, count)
            assert outcomes[-1].status is Status.ACCEPTED
        assert not any("depth" in one["meta"] for one in sent(stage))


async def test_what_a_command_says_of_itself_runs_on() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        meta = {"user": "ann", "correlation": "k-1", "x_shop": 7, "reply": "r", "expect": 0}
        entry = stage.send("SetOff", BELL, {"after": 0}, meta=meta)
        await handled(stage)
        [one] = sent(stage)
        assert json.loads(one["meta"]) == {
            "user": "ann", "correlation": "k-1", "x_shop": 7, "depth": 1
        }  # fmt: skip
        assert one["id"].startswith(f"timer/bell-1/bell/{entry}/")


async def test_without_a_correlation_the_id_of_who_set_it_is_it_and_stays() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("Tick", BELL, id="first")
        for count in (1, 2):
            stage.wind(60)
            await handled(stage, count)
        assert [json.loads(one["meta"])["correlation"] for one in sent(stage)] == ["first"] * 2


async def test_a_command_that_nobody_takes_cannot_be_sent_by_a_timer() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        outcome = await stage.answer("SetStrange", BELL)
        assert outcome.status is Status.FAILED
        assert "ShipOrder, which the decider of bell-1 does not take" in outcome.detail["message"]
        assert waiting(stage) == {}


async def test_more_timers_than_one_command_may_set_are_too_large() -> None:
    stage = stage_with(event_bytes=1024)
    async with stage.owner(HOME):
        outcome = await stage.answer("SetOff", BELL, {"text": "x" * 2000, "after": 60})
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "too_large")


async def test_what_cannot_be_decided_is_handled_all_the_same() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60})
        key, kept = stage.keys.timer(HOME), known(stage)["bell-1/bell"]
        changed = json.dumps({**kept, "data": '{"wrong":1}'})
        stage.server.data.put(key, {"bell-1/bell": changed})
        stage.wind(60)
        [outcome] = await handled(stage)
        assert outcome.detail["code"] == "malformed"
        assert known(stage) == {}


async def test_an_id_that_was_copied_before_its_time_takes_nothing_away() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60, "text": "mine"})
        id = known(stage)["bell-1/bell"]["id"]
        forged = await stage.answer("Remind", BELL, {"text": "forged"}, id=id)
        assert forged.detail["code"] == "stale_timer"
        stage.wind(60)
        [_, outcome] = await handled(stage, 2)
        assert outcome.status is Status.ACCEPTED
        [other] = [one for one in ("bell-2", "bell-3", "bell-4", "bell-5") if home(one) == HOME][:1]
        stray = await stage.answer("Remind", other, id=id)
        assert stray.detail["errors"].keys() == {"aggregate"}
