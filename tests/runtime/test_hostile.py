"""What a command, or the code that it meets, may do to others: nothing."""

import asyncio

import pytest

from engine.core.outcome import Status
from tests.runtime.stage import Stage, home

PROBE, OTHER = "probe-1", "probe-2"
HOME = home(PROBE)


@pytest.mark.parametrize("kind", ["Cancel", "CancelLater"])
async def test_a_decider_that_is_cancelled_fails_its_command_and_no_other(kind: str) -> None:
    stage = Stage()
    sent = [
        stage.send("Note", PROBE, id="one"),
        stage.send(kind, PROBE, id="two"),
        stage.send("Note", PROBE, id="three"),
    ]
    async with stage.owner(HOME):
        outcomes = [await stage.outcome(entry, HOME) for entry in sent]
        assert [one.status for one in outcomes] == ["accepted", "failed", "accepted"]
        assert outcomes[1].detail["code"] == "raised"
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_a_validator_that_raises_fails_its_command_and_no_other() -> None:
    stage = Stage()
    async with stage.owner(HOME):
        outcome = await stage.answer("Trip", PROBE, {"over": "a stone"})
        assert (outcome.status, outcome.detail["code"]) == (Status.FAILED, "raised")
        assert "KeyError" in outcome.detail["message"]
        assert (await stage.answer("Note", PROBE)).status is Status.ACCEPTED


async def test_an_id_of_many_bytes_is_remembered_by_the_next_owner() -> None:
    stage = Stage()
    long_id = "é" * 200
    async with stage.owner(HOME):
        first = await stage.answer("Note", PROBE, id=long_id)
        assert (first.status, first.id) == (Status.ACCEPTED, long_id)
    async with stage.owner(HOME):
        again = await stage.answer("Note", PROBE, id=long_id)
        assert (again.status, again.id) == (Status.DUPLICATE, long_id)
    assert len(stage.events(PROBE)) == 1


async def test_a_refusal_does_not_grow_with_what_it_refuses() -> None:
    stage = Stage()
    async with stage.owner(HOME):
        outcome = await stage.answer("Note", PROBE, meta={"k" * 500_000: 1, "l" * 100_000: 2})
        assert outcome.detail["code"] == "malformed"
        assert len(str(outcome.detail)) < 5_000
