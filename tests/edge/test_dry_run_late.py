"""Dry runs of what would come late: commands that wait, and timers."""

import re
import time
from datetime import UTC, datetime

from engine.core.outcome import Outcome, Status
from engine.core.rehearsing import WAITS, DryRun, NewFact, NewTimer
from engine.edge.cli.dry_run import _text
from tests.edge.test_dry_run import client_of
from tests.eventually import eventually
from tests.runtime.bells import clockwork
from tests.runtime.stage import Stage, home


async def test_what_would_wait_says_for_what() -> None:
    stage = Stage(retry_attempts=3, decide_seconds=0.05, retry_pause_seconds=60)
    async with client_of(stage) as client:
        raised = await client.dry_runs.run("Raise", "probe-1", b"{}")
        slow = await client.dry_runs.run("Wait", "probe-1", b'{"gate":"shut"}')
        stage.send("Raise", "probe-1")
        async with stage.owner(home("probe-1")):
            await eventually(lambda: stage.waiting(home("probe-1")), "it waits")
        behind = await client.dry_runs.run("Note", "probe-1", b'{"text":"x"}')
        other = await client.dry_runs.run("Raise", "probe-2", b"{}")
    for found in (raised, slow, behind, other):
        assert found.outcome.status is Status.DEFERRED
        assert (found.events, found.timers, found.rows) == ([], [], [])
    codes = [each.outcome.detail["code"] for each in (raised, slow, behind, other)]
    assert codes == ["raised", "slow", "behind", "raised"]
    assert "it would wait, be tried again" in raised.notes[0]
    assert raised.notes[1].endswith("RuntimeError: the service is down\n")
    assert slow.notes == [WAITS["slow"]]
    assert behind.notes == [WAITS["behind"]]


async def test_timers_are_told() -> None:
    stage = Stage()
    stage.domain = clockwork()
    async with client_of(stage) as client:
        away = b'{"name":"tea","after":60}'
        rings = await client.dry_runs.run("SetOff", "bell-1", away)
        never = await client.dry_runs.run("CallOff", "bell-1", b'{"name":"tea"}')
        strange = await client.dry_runs.run("SetStrange", "bell-1", b"{}")
        far = await client.dry_runs.run("SetOff", "bell-1", b'{"after":1e9}')
    [timer] = rings.timers
    assert (timer.name, timer.type, timer.data) == ("tea", "Remind", {"text": "x"})
    assert timer.due is not None
    assert 0 < timer.due.timestamp() - time.time() <= 60
    assert never.timers == [NewTimer("tea")]
    assert (strange.outcome.status, strange.timers) == (Status.FAILED, [])
    assert far.outcome.detail["code"] == "timer_too_far"
    assert far.timers == []


def test_as_text_they_stand_behind_events() -> None:
    outcome = Outcome("1-0", "c", Status.ACCEPTED, "bell-1", 1, 1, 0, "b", "d", {})
    due = datetime(2026, 1, 31, tzinfo=UTC)
    timers = [NewTimer("tea", due, "Remind", {"text": "x"}), NewTimer("milk")]
    found = DryRun(outcome, [NewFact(1, "Set", {})], timers, [], [])
    assert [re.sub(r"\x1b\[[0-9]*m", "", line) for line in _text(found)] == [
        "would be accepted  bell-1  version 1",
        "1  Set  {}",
        'timer tea  due 2026-01-31T00:00:00+00:00  Remind  {"text":"x"}',
        "timer milk  cancelled",
        "nothing was written",
    ]
