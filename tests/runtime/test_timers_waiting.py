"""Timers and commands that wait: a timer stands until the final outcome of its command."""

from tests.eventually import eventually
from tests.runtime.bells import TROUBLE
from tests.runtime.stage import Stage
from tests.runtime.timing import BELL, HOME, known, sent, stage_with, waiting

DOWN = RuntimeError("the service is down")


def late(stage: Stage) -> list[str]:
    """The codes of late outcomes, or their status."""
    return [(one.detail or {}).get("code", one.status.value) for one in stage.late(HOME)]


async def test_a_timer_whose_command_waits_stands_until_it_is_answered() -> None:
    stage = stage_with(retry_attempts=9, retry_pause_seconds=0.3)
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60})
        TROUBLE.append(DOWN)
        stage.wind(60)
        await eventually(lambda: not TROUBLE, "its command is tried")
        assert known(stage).keys() == {"bell-1/bell"}
        await eventually(lambda: late(stage) == ["accepted"], "it is answered late")
        assert known(stage) == {}
        assert len(sent(stage)) == 1
        assert [kind for _, kind in stage.events(BELL)] == ["Set", "Reminded"]


async def test_a_timer_that_is_replaced_by_a_command_before_it_that_waits_is_stale() -> None:
    stage = stage_with(retry_attempts=9, retry_pause_seconds=0.01)
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 3600})
    TROUBLE.append(DOWN)
    stage.send("SetOff", BELL, {"after": 7200})
    stage.wind(3600)
    async with stage.owner(HOME):
        await eventually(lambda: late(stage) == ["accepted", "stale_timer"], "both are answered")
        assert known(stage).keys() == waiting(stage).keys() == {"bell-1/bell"}
        assert [kind for _, kind in stage.events(BELL)] == ["Set", "Set"]


async def test_a_timer_that_waits_is_known_to_the_next_owner() -> None:
    stage = stage_with(retry_attempts=9, retry_pause_seconds=5)
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60})
        TROUBLE.append(DOWN)
        stage.wind(60)
        await eventually(lambda: not TROUBLE, "its command is tried")
        await eventually(lambda: stage.waiting(HOME), "it waits")
    async with stage.owner(HOME):
        await eventually(lambda: late(stage) == ["accepted"], "it is answered late")
        assert known(stage) == {}


async def test_a_command_that_is_decided_late_sets_its_timer_late() -> None:
    stage = stage_with(retry_attempts=9, retry_pause_seconds=0.01)
    async with stage.owner(HOME):
        TROUBLE.append(DOWN)
        entry = stage.send("SetOff", BELL, {"after": 60})
        await eventually(lambda: late(stage) == ["accepted"], "it is answered late")
        assert waiting(stage) == {"bell-1/bell": int(entry.partition("-")[0]) + 60_000}
        stage.wind(60)
        await eventually(lambda: len(stage.events(BELL)) == 2, "it fires")
