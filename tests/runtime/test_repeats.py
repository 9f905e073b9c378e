"""Repeated ids: answered with their first outcome, by whoever owns the partition meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.core.ids import uuid7
from engine.core.outcome import Outcome, Status
from engine.runtime import remembering as module
from tests.runtime.meddling import Meddler
from tests.runtime.stage import NOON_MS, Stage, aggregates, home

PROBE = "probe-1"
HOME = home(PROBE)

BETWEEN = pytest.mark.parametrize("between", ["one batch", "two batches", "two owners"])


async def both(
    stage: Stage, between: str, first: dict[str, Any], second: dict[str, Any]
) -> list[Outcome]:
    """The outcomes of two commands to one aggregate, with this between them."""
    if between == "one batch":
        entries = [stage.send(aggregate=PROBE, **first), stage.send(aggregate=PROBE, **second)]
        async with stage.owner(HOME):
            return [await stage.outcome(entry, HOME) for entry in entries]
    async with stage.owner(HOME):
        one = await stage.answer(aggregate=PROBE, **first)
        if between == "two batches":
            return [one, await stage.answer(aggregate=PROBE, **second)]
    async with stage.owner(HOME):
        return [one, await stage.answer(aggregate=PROBE, **second)]


@BETWEEN
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ({"type": "Note"}, "accepted"),
        ({"type": "Refuse"}, "rejected"),
        ({"type": "Refuse", "data": {"code": "expired"}}, "rejected"),
        ({"type": "Raise"}, "failed"),
        ({"type": "Note", "data": {"text": 7}}, "rejected"),
        ({"type": "NoSuch"}, "rejected"),
        ({"type": "Note", "meta": {"expect": 5}}, "rejected"),
        ({"type": "Many", "data": {"count": 9999}}, "rejected"),
    ],
)
async def test_a_repeat_is_told_the_first_outcome(
    between: str, command: dict[str, Any], status: str
) -> None:
    stage = Stage()
    given = {**command, "id": "same"}
    first, again = await both(stage, between, given, given)
    assert first.status == status
    assert again.status is Status.DUPLICATE
    said = again.detail["first"]
    assert (said["entry"], said["status"]) == (first.entry, status)
    assert (said["version"], said["position"]) == (first.version, first.position)
    assert said.get("code") == first.detail.get("code")
    assert len(stage.log(HOME)) == (status == "accepted")


@BETWEEN
@pytest.mark.parametrize(
    "other",
    [
        {"data": {"text": "another"}},
        {"meta": {"expect": 1}},
        {"type": "Raise"},
        {"data": b"not JSON"},
    ],
)
async def test_an_id_with_other_content_is_refused(between: str, other: dict[str, Any]) -> None:
    stage = Stage()
    given = {"type": "Note", "id": "same"}
    first, again = await both(stage, between, given, {**given, **other})
    assert first.status is Status.ACCEPTED
    assert (again.status, again.detail["code"]) == (Status.REJECTED, "id_reused")
    assert first.entry in again.detail["message"]
    assert len(stage.log(HOME)) == 1


@pytest.mark.parametrize("between", ["two batches", "two owners"])
async def test_a_misuse_of_an_id_changes_nothing_for_its_repeats(between: str) -> None:
    stage = Stage()
    async with stage.owner(HOME):
        first = await stage.answer("Note", PROBE, id="same")
    given = {"type": "Note", "id": "same"}
    misuse, again = await both(stage, between, {**given, "data": {"text": "another"}}, given)
    assert misuse.detail["code"] == "id_reused"
    assert again.detail["first"]["entry"] == first.entry


@BETWEEN
async def test_a_repeat_of_a_repeat_is_told_the_first_outcome(between: str) -> None:
    stage = Stage()
    async with stage.owner(HOME):
        first = await stage.answer("Note", PROBE, id="same")
    given = {"type": "Note", "id": "same"}
    again = await both(stage, between, given, given)
    assert [one.status for one in again] == [Status.DUPLICATE] * 2
    assert [one.detail["first"]["entry"] for one in again] == [first.entry] * 2


async def test_an_id_is_one_aggregates_own() -> None:
    stage = Stage()
    one, other = aggregates("probe", 2, 2)
    async with stage.owner(2):
        assert (await stage.answer("Note", one, id="same")).status is Status.ACCEPTED
        assert (await stage.answer("Note", other, id="same")).status is Status.ACCEPTED


async def test_commands_without_an_id_are_never_repeats() -> None:
    stage = Stage()
    async with stage.owner(HOME):
        outcomes = [await stage.answer("Note", PROBE) for _ in range(2)]
        assert [one.status for one in outcomes] == ["accepted"] * 2
        assert [one.id for one in outcomes] == [one.entry for one in outcomes]


@BETWEEN
async def test_a_command_that_was_too_large_can_be_sent_again_smaller(between: str) -> None:
    stage = Stage(command_bytes=2000)
    large = {"type": "Note", "id": "same", "data": {"text": "x" * 2000}}
    first, again = await both(stage, between, large, {"type": "Note", "id": "same"})
    assert (first.detail["code"], again.status) == ("too_large", Status.ACCEPTED)


@BETWEEN
async def test_an_id_from_the_future_is_refused_until_its_time_comes(between: str) -> None:
    stage = Stage(id_skew_seconds=10)
    ahead = {"type": "Note", "id": uuid7(NOON_MS + 3_600_000)}
    first, again = await both(stage, between, ahead, ahead)
    assert [one.detail["code"] for one in (first, again)] == ["clock", "clock"]
    stage.clock.now += 3_600
    async with stage.owner(HOME):
        assert (await stage.answer("Note", PROBE, id=ahead["id"])).status is Status.ACCEPTED


@pytest.mark.parametrize("wrong", [{"type": "NoSuch"}, {"type": "Note", "data": {"text": 7}}])
async def test_an_id_from_the_future_is_nobodys_whatever_else_is_wrong(wrong: Any) -> None:
    stage = Stage(id_skew_seconds=10)
    ahead = uuid7(NOON_MS + 30_000)
    async with stage.owner(HOME):
        early = await stage.answer(aggregate=PROBE, id=ahead, **wrong)
    assert early.detail["code"] == "clock"
    stage.clock.now += 60
    async with stage.owner(HOME):
        assert (await stage.answer("Note", PROBE, id=ahead)).status is Status.ACCEPTED


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is remembered takes many pages."""
    monkeypatch.setattr(module, "WINDOW_PAGE", 10)


async def send_slowly(stage: Stage, count: int) -> None:
    """So many commands, one each second."""
    sent = []
    for n in range(count):
        stage.clock.now += 1
        sent.append(stage.send("Note", PROBE, id=f"other-{n}"))
    await stage.outcome(sent[-1], HOME)


@asynccontextmanager
async def after_many(**settings: Any) -> AsyncIterator[Stage]:
    """A stage where one command was followed by many others, and both are some time ago."""
    stage = Stage(commands_keep_count=1, outcomes_keep_count=100, **settings)
    async with stage.owner(HOME):
        await stage.answer("Note", PROBE, id=uuid7(NOON_MS))
        await stage.answer("Note", PROBE, id="first")
        await stage.answer("Note", PROBE, id="first")
        await send_slowly(stage, 150)
    yield stage


@pytest.mark.usefixtures("small_pages")
async def test_what_lies_far_back_is_remembered_after_a_change_of_owner() -> None:
    stage = Stage()
    async with stage.owner(HOME):
        first = await stage.answer("Note", PROBE, id="first")
        sent = [stage.send("Note", PROBE, id=f"other-{n}") for n in range(55)]
        await stage.outcome(sent[-1], HOME)
    async with stage.owner(HOME):
        again = await stage.answer("Note", PROBE, id="first")
        assert again.detail["first"]["entry"] == first.entry


@pytest.mark.usefixtures("small_pages")
async def test_outcomes_are_loaded_for_an_id_that_may_have_been_answered() -> None:
    loads: list[str] = []

    async def note() -> None:
        loads.append("a page")

    stage = Stage(id_skew_seconds=1)
    async with stage.owner(HOME):
        await send_slowly(stage, 25)
    stage.wrap = lambda ledger: Meddler(ledger, before={"outcomes": note})
    stage.clock.now += 60
    new = uuid7(int(stage.clock.now * 1000))
    async with stage.owner(HOME):
        answered = await stage.answer("Note", PROBE, id=new)
        await stage.answer("Note", PROBE)
        assert not loads
        old = await stage.answer("Note", PROBE, id="other-7")
        assert len(loads) == 3
        again = await stage.answer("Note", PROBE, id=new)
    assert old.status is again.status is Status.DUPLICATE
    assert again.detail["first"]["entry"] == answered.entry


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("owners", [0, 1, 2])
async def test_an_id_with_a_time_beyond_the_window_has_expired(owners: int) -> None:
    old = uuid7(NOON_MS)
    async with after_many(id_skew_seconds=1) as stage:
        for _ in range(owners):
            async with stage.owner(HOME):
                await stage.answer("Note", PROBE)
        async with stage.owner(HOME):
            outcome = await stage.answer("Note", PROBE, id=old)
            assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "expired")
            fresh = uuid7(int(stage.clock.now * 1000))
            assert (await stage.answer("Note", PROBE, id=fresh)).status is Status.ACCEPTED


@pytest.mark.usefixtures("small_pages")
async def test_a_first_and_its_repeat_leave_the_window_one_after_the_other() -> None:
    stage = Stage(
        commands_keep_count=1, outcomes_keep_count=100, id_skew_seconds=0, batch_commands=1
    )
    async with stage.owner(HOME):
        await stage.answer("Note", PROBE, id="first")
        await stage.answer("Note", PROBE, id="first")
    async with stage.owner(HOME):
        await send_slowly(stage, 120)
        assert len(stage.outcomes(HOME)) < 110
