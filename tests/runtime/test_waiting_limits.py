"""Commands that wait do not for ever, and not in any number."""

import json

import pytest
from structlog.testing import capture_logs

from engine import Command, Retry
from engine.core.outcome import Status
from tests.counted import Counted
from tests.eventually import eventually
from tests.runtime.probes import Ask, Wait, domain_with
from tests.runtime.stage import Stage, aggregates, home

PROBE = "probe-1"
HOME = home(PROBE)
OTHER = aggregates("probe", HOME, 2)[1]
SOON = {"retry_attempts": 1000, "retry_pause_seconds": 0.001}


async def test_what_takes_too_long_is_given_up() -> None:
    stage = Stage(patience_seconds=0.01, decide_seconds=0.05)
    async with stage.owner(HOME):
        slow = await stage.answer("Wait", PROBE, {"gate": "never"}, id="slow")
        behind = await stage.answer("Note", PROBE)
        late = await stage.late_outcome(slow.entry, HOME)
        assert (late.status, late.detail["code"]) == (Status.FAILED, "too_slow")
        assert (await stage.late_outcome(behind.entry, HOME)).version == 1
    [letter] = stage.dead(HOME)
    assert (letter["id"], letter["entry"], letter["attempts"]) == ("slow", slow.entry, "1")


async def test_after_enough_attempts_it_is_failed_and_a_dead_letter() -> None:
    stage = Stage(retry_attempts=3, retry_pause_seconds=0.001)
    stage.gates.down.add("s")
    sent, behind = stage.send("Ask", PROBE, id="a"), stage.send("Note", PROBE)
    async with stage.owner(HOME):
        late = await stage.late_outcome(sent, HOME)
        assert (await stage.late_outcome(behind, HOME)).status is Status.ACCEPTED
    assert (late.status, late.detail["code"]) == (Status.FAILED, "raised")
    assert stage.gates.asked == ["a"] * 3
    [letter] = stage.dead(HOME)
    assert (letter["type"], letter["aggregate"], letter["data"]) == ("Ask", PROBE, "{}")
    assert (letter["id"], letter["attempts"]) == ("a", "3")
    why = json.loads(letter["error"])
    assert (why["code"], why["message"]) == ("raised", "ConnectionError: s is down")
    assert "in ask\n" in why["traceback"]


async def test_after_long_enough_it_is_failed_however_few_the_attempts() -> None:
    stage = Stage(retry_attempts=10**6, retry_seconds=0.05, retry_pause_seconds=60)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE)
        assert (await stage.late_outcome(deferred.entry, HOME)).status is Status.FAILED
    assert len(stage.gates.asked) == 2


async def test_where_one_attempt_is_all_it_is_failed_at_once() -> None:
    stage = Stage(retry_attempts=1)
    async with stage.owner(HOME):
        assert (await stage.answer("Raise", PROBE)).status is Status.FAILED
        assert (await stage.answer("Note", PROBE)).status is Status.ACCEPTED
    assert [letter["type"] for letter in stage.dead(HOME)] == ["Raise"]
    assert stage.late(HOME) == []


async def test_a_type_of_command_may_have_limits_of_its_own() -> None:
    stage = Stage(retry_pause_seconds=0.001, retry_attempts=1000)
    limits: dict[type[Command], Retry] = {Ask: Retry(attempts=2), Wait: Retry(decide_seconds=0.02)}
    stage.domain = domain_with(stage.gates, limits)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        asked = await stage.answer("Ask", PROBE)
        assert (await stage.late_outcome(asked.entry, HOME)).status is Status.FAILED
        slow = await stage.answer("Wait", PROBE, {"gate": "never"})
        assert (await stage.late_outcome(slow.entry, HOME)).detail["code"] == "too_slow"
    assert len(stage.gates.asked) == 2


async def test_where_too_many_of_an_aggregate_wait_it_is_busy_for_now() -> None:
    stage = Stage(waiting_per_aggregate=3, **SOON)
    stage.gates.down.add("s")
    counted = Counted()
    async with stage.owner(HOME):
        waits = [await stage.answer("Ask", PROBE, id=f"a{n}") for n in range(3)]
        busy = await stage.answer("Note", PROBE, id="b")
        assert [one.status for one in waits] == ["deferred"] * 3
        assert (busy.status, busy.detail["code"]) == ("rejected", "busy")
        assert counted.more("semel_commands_busy_total") == 1
        stage.gates.down.clear()
        for one in waits:
            await stage.late_outcome(one.entry, HOME)
        again = await stage.answer("Note", PROBE, id="b")
    assert (again.status, again.version) == ("accepted", 4)


async def test_where_too_many_wait_no_more_are_read_and_health_says_so() -> None:
    stage = Stage(waiting_per_partition=2, **SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME) as served:
        with capture_logs() as logs:
            for _ in range(2):
                await stage.answer("Ask", PROBE)
            sent = stage.send("Note", OTHER)
            await eventually(lambda: served.progress.report().trouble, "it says what keeps it")
            assert "no more are read" in served.progress.report().trouble
            assert stage.outcomes_due(HOME) == [sent]
            stage.gates.down.clear()
            assert (await stage.outcome(sent, HOME)).status is Status.ACCEPTED
            await eventually(lambda: not served.progress.report().trouble, "all is well")
    events = [each["event"] for each in logs]
    assert events.count("partition.crowded") == events.count("partition.uncrowded") == 1


async def test_who_stops_while_it_is_crowded_stops() -> None:
    stage = Stage(waiting_per_partition=1, retry_attempts=9, retry_pause_seconds=60)
    stage.gates.down.add("s")
    async with stage.owner(HOME) as served:
        await stage.answer("Ask", PROBE)
        stage.send("Note", OTHER)
        await eventually(lambda: served.progress.report().trouble, "it says what keeps it")


@pytest.mark.parametrize("command", ["Hog", "HogLater"])
async def test_who_keeps_the_loop_is_named(command: str) -> None:
    stage = Stage(block_seconds=0.01)
    async with stage.owner(HOME):
        with capture_logs() as logs:
            assert (await stage.answer(command, PROBE, id="h")).status is Status.ACCEPTED
    [said] = [each for each in logs if each["event"] == "decider.blocked"]
    assert (said["command"], said["type"]) == ("h", command)
    assert "probes.py" in said["decider"]
    assert said["seconds"] >= 0.01
