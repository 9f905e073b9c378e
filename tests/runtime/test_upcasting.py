"""Old events meet newer code, in aggregates and in rows; and newer events older code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from engine import Upcaster
from engine.core.outcome import Status
from engine.core.parking import notes_in
from tests.eventually import eventually
from tests.grown import Second, domain_at, in_cents
from tests.runtime.reading import PARTITION, Reading, plain
from tests.runtime.stage import Stage, aggregates

ONE, TWO = aggregates("till", PARTITION, 2)


async def pay(stage: Stage, version: int, *payments: tuple[str, int]) -> None:
    """Have code of one version take payments."""
    stage.domain = domain_at(version)
    async with stage.owner(PARTITION):
        for aggregate, cents in payments:
            outcome = await stage.answer("Pay", aggregate, {"cents": cents})
            assert outcome.status is Status.ACCEPTED


def entries(stage: Stage, key: str) -> list[dict[str, Any]]:
    """What a stream of events has, without what tells when."""
    return [
        {name.decode(): value for name, value in entry.fields.items()}
        for entry in stage.server.data.stream(key).entries
    ]


async def test_what_is_stored_says_its_version_beyond_the_first() -> None:
    stage = Stage()
    for version in (1, 2, 3):
        await pay(stage, version, (ONE, 150))
    for key in (stage.keys.events(PARTITION, ONE), stage.keys.log(PARTITION)):
        stored = entries(stage, key)
        assert [each["data"] for each in stored] == [
            b'{"euros":"1.50"}', b'{"cents":150}', b'{"cents":150,"currency":"EUR"}',
        ]  # fmt: skip
        assert {each["type"] for each in stored} == {b"Paid"}
        assert len({tuple(each) for each in stored}) == 1
        said = [msgspec.json.decode(each["meta"]).get("schema") for each in stored]
        assert said == [None, 2, 3]


async def test_an_aggregate_is_loaded_from_events_of_all_versions() -> None:
    stage = Stage()
    for version in (1, 2, 3):
        await pay(stage, version, (ONE, 150))
    async with stage.owner(PARTITION):
        counted = await stage.answer("Count", ONE, {"cents": 450})
        assert (counted.status, counted.version) == (Status.ACCEPTED, 3)


def broken(said: dict[str, Any]) -> dict[str, Any]:
    if said["euros"] == "6.66":
        raise ZeroDivisionError("a bug")
    return in_cents(said)


async def test_where_an_upcaster_raises_one_aggregate_waits_and_then_fails() -> None:
    stage = Stage()
    await pay(stage, 1, (ONE, 666), (TWO, 150))
    stage.domain = domain_at(2, [Upcaster(Second.Paid, 1, broken)])
    async with stage.owner(PARTITION):  # one attempt is all that there is here
        failed = await stage.answer("Count", ONE, {"cents": 666})
        assert (failed.status, failed.detail["code"]) == (Status.FAILED, "unreadable")
        assert "the upcaster of Paid from version 1 (" in failed.detail["message"]
        assert "raised ZeroDivisionError: a bug" in failed.detail["message"]
        sound = await stage.answer("Count", TWO, {"cents": 150})
        assert sound.status is Status.ACCEPTED
        assert (await stage.answer("Pay", ONE, {"cents": 1})).status is Status.FAILED
    assert len(stage.events(ONE)) == 1


async def test_what_newer_code_stored_waits_on_older_code_for_newer_code() -> None:
    stage = Stage(retry_attempts=1000, retry_pause_seconds=0.001)
    await pay(stage, 2, (ONE, 150))
    stage.domain = domain_at(1)
    async with stage.owner(PARTITION):
        first = await stage.answer("Pay", ONE, {"cents": 50})
        assert (first.status, first.detail["code"]) == (Status.DEFERRED, "unreadable")
        assert "stored in version 2 by newer code" in first.detail["message"]
        behind = await stage.answer("Count", ONE, {"cents": 200})
        assert (behind.status, behind.detail["code"]) == (Status.DEFERRED, "behind")
        assert (await stage.answer("Pay", TWO, {"cents": 150})).status is Status.ACCEPTED
        await eventually(
            lambda: stage.waiting(PARTITION)[first.entry]["tries"] > 2, "it is tried in vain"
        )
    stage.domain = domain_at(2)
    async with stage.owner(PARTITION):
        late = [await stage.late_outcome(each.entry, PARTITION) for each in (first, behind)]
        assert [(each.status, each.version) for each in late] == [(Status.ACCEPTED, 2)] * 2


async def test_a_kind_of_event_that_only_newer_code_knows_waits_too() -> None:
    stage = Stage(retry_attempts=1000, retry_pause_seconds=60)
    await pay(stage, 1, (ONE, 150))
    fields = {b"type": b"Refunded", b"data": b"{}", b"meta": b"{}"}
    stage.server.add(stage.keys.events(PARTITION, ONE), fields, "2-0")
    async with stage.owner(PARTITION):
        first = await stage.answer("Count", ONE, {"cents": 150})
    assert (first.status, first.detail["code"]) == (Status.DEFERRED, "unreadable")
    assert "no event Refunded is known here: newer code stored it" in first.detail["message"]


# -- Rows -------------------------------------------------------------------------------


@asynccontextmanager
async def read(stage: Stage) -> AsyncIterator[tuple[Reading, dict[str, dict[str, str]]]]:
    """Have a projector read all there is, with the code that is on stage now."""
    projection = stage.domain.projections["tills"]
    async with stage.session() as session:
        reading = Reading(session, stage)
        yield reading, plain(await reading.read(1, projection=projection))


async def test_rows_are_made_of_events_of_all_versions() -> None:
    stage = Stage()
    for version in (1, 2, 3):
        await pay(stage, version, (ONE, 150), (TWO, 25))
    async with read(stage) as (_, rows):
        assert rows == {
            ONE: {"cents": "450", "versions": "EUR"}, TWO: {"cents": "75", "versions": "EUR"},
        }  # fmt: skip


@pytest.mark.usefixtures("poison_log")
@pytest.mark.parametrize("what", ["raises", "older"])
async def test_what_cannot_be_read_parks_its_aggregate_and_all_others_flow(what: str) -> None:
    stage = Stage()
    if what == "raises":
        await pay(stage, 1, (ONE, 666), (TWO, 150))
        stage.domain = domain_at(2, [Upcaster(Second.Paid, 1, broken)])
    else:
        await pay(stage, 2, (ONE, 666))
        await pay(stage, 1, (TWO, 150))
    async with read(stage) as (_, rows):
        assert rows == {TWO: {"cents": "150", "versions": ""}}
    parked = notes_in(dict(stage.server.data.hash(stage.keys.parked(PARTITION, "tills", 1))))
    assert parked.keys() == {ONE}
    error = parked[ONE].error
    assert error.type == "Unreadable"
    said = "upcaster of Paid from version 1" if what == "raises" else "by newer code"
    assert said in error.message
