"""The partition loop: one command, one outcome, whatever is sent and whatever deciders do."""

import anyio
import pytest

from engine.core.outcome import Status
from tests.eventually import eventually
from tests.runtime.stage import ORDER, Stage, aggregates, home


async def test_an_accepted_command_has_an_outcome_and_its_events() -> None:
    stage = Stage()
    async with stage.owner(home("order-42")):
        outcome = await stage.answer("CreateOrder", "order-42", ORDER, id="c-1")
        assert (outcome.status, outcome.id, outcome.version) == (Status.ACCEPTED, "c-1", 1)
        assert (outcome.aggregate, outcome.position) == ("order-42", 1)
        assert stage.events("order-42") == [("1-0", "OrderCreated")]
        assert stage.log(home("order-42")) == ["1-0"]


async def test_an_event_names_its_cause() -> None:
    stage = Stage()
    async with stage.owner(home("order-42")), stage.session() as session:
        meta = {"user": "ann", "correlation": "k-1", "time": "2020-02-03T04:05:06Z"}
        outcome = await stage.answer("CreateOrder", "order-42", ORDER, id="c-1", meta=meta)
        [event] = await session.inspection.events("order-42", session.partitions)
        assert b'"causation":"c-1"' in event.meta
        assert f'"entry":"{outcome.entry}"'.encode() in event.meta
        assert b'"user":"ann"' in event.meta
        assert b'"correlation":"k-1"' in event.meta
        assert b'"time":"2020-02-03T04:05:06Z"' in event.meta


async def test_a_rule_that_is_broken_is_a_rejection_with_its_code() -> None:
    stage = Stage()
    async with stage.owner(home("order-42")):
        outcome = await stage.answer("ShipOrder", "order-42")
        assert outcome.status is Status.REJECTED
        assert outcome.detail["code"] == "order_unknown"
        assert stage.events("order-42") == []


async def test_a_command_without_events_is_accepted_where_it_stands() -> None:
    stage = Stage()
    async with stage.owner(home("order-42")):
        await stage.answer("CreateOrder", "order-42", ORDER)
        address = {"shipping_address": ORDER["shipping_address"]}
        outcome = await stage.answer("UpdateShippingAddress", "order-42", address)
        assert (outcome.status, outcome.version, outcome.position) == (Status.ACCEPTED, 1, 1)


async def test_a_decider_that_raises_fails_its_command_and_no_other() -> None:
    stage = Stage()
    [probe] = aggregates("probe", 1, 1)
    async with stage.owner(1):
        sent = [stage.send(one, probe) for one in ("Note", "Raise", "Note")]
        answers = [await stage.outcome(entry, 1) for entry in sent]
        assert [one.status for one in answers] == ["accepted", "failed", "accepted"]
        assert "the service is down" in answers[1].detail["message"]
        assert [one.version for one in answers] == [1, 1, 2]


async def test_an_event_that_the_kind_does_not_know_fails() -> None:
    stage = Stage()
    async with stage.owner(home("probe-1")):
        outcome = await stage.answer("Stray", "probe-1")
        assert outcome.status is Status.FAILED
        assert "Strayed" in outcome.detail["message"]
        assert stage.events("probe-1") == []


async def test_an_event_that_cannot_be_evolved_leaves_the_actor_as_it_was() -> None:
    stage = Stage()
    async with stage.owner(home("probe-1")):
        failed = await stage.answer("Note", "probe-1", {"text": "unreadable"})
        fine = await stage.answer("Note", "probe-1")
        assert (failed.status, failed.version) == (Status.FAILED, 0)
        assert (fine.status, fine.version) == (Status.ACCEPTED, 1)


async def test_an_aggregate_whose_events_cannot_be_read_fails_alone() -> None:
    stage = Stage()
    bad, good = aggregates("probe", 2, 2)
    async with stage.owner(2):
        await stage.answer("Note", bad)
    fields = {b"type": b"Noted", b"data": b'{"text":"unreadable"}', b"meta": b"{}"}
    stage.server.data.stream(stage.keys.events(2, bad)).entries[0].fields.update(fields)  # type: ignore[attr-defined]
    async with stage.owner(2):
        outcome = await stage.answer("Note", bad)
        assert (outcome.status, outcome.detail["code"]) == (Status.FAILED, "damaged")
        assert (await stage.answer("Note", good)).status is Status.ACCEPTED
        assert len(stage.events(bad)) == 1


async def test_an_aggregate_whose_stream_has_a_gap_fails_alone() -> None:
    stage = Stage()
    bad, good = aggregates("probe", 2, 2)
    async with stage.owner(2):
        await stage.answer("Note", bad)
    fields = {b"type": b"Noted", b"data": b'{"text":"x"}', b"meta": b"{}"}
    stage.server.add(stage.keys.events(2, bad), fields, "3-0")
    async with stage.owner(2):
        outcome = await stage.answer("Note", bad)
        assert (outcome.status, outcome.detail["code"]) == (Status.FAILED, "damaged")
        assert (await stage.answer("Note", good)).status is Status.ACCEPTED


async def test_the_version_that_was_expected_is_compared() -> None:
    stage = Stage()
    async with stage.owner(home("probe-1")):
        assert (await stage.answer("Note", "probe-1", meta={"expect": 0})).status == "accepted"
        outcome = await stage.answer("Note", "probe-1", meta={"expect": 0})
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "version_conflict")
        assert "version 1, not 0" in outcome.detail["message"]
        assert (await stage.answer("Note", "probe-1", meta={"expect": 1})).version == 2


async def test_a_command_in_the_wrong_partition_is_rejected() -> None:
    stage = Stage()
    wrong = (home("probe-1") + 1) % 4
    async with stage.owner(wrong):
        outcome = await stage.answer("Note", "probe-1", partition=wrong)
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "wrong_partition")
        assert str(home("probe-1")) in outcome.detail["message"]
        assert stage.log(wrong) == []


@pytest.mark.parametrize(("count", "size"), [(11, 1), (2, 600)])
async def test_a_command_that_causes_too_much_is_rejected(count: int, size: int) -> None:
    stage = Stage(events_per_command=10, event_bytes=1024)
    async with stage.owner(home("probe-1")):
        fine = await stage.answer("Many", "probe-1", {"count": 10})
        outcome = await stage.answer("Many", "probe-1", {"count": count, "size": size})
        assert (fine.status, fine.version) == (Status.ACCEPTED, 10)
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "too_large")
        assert (await stage.answer("Note", "probe-1")).version == 11


async def test_a_command_that_is_too_large_is_rejected() -> None:
    stage = Stage(command_bytes=2000)
    async with stage.owner(home("probe-1")):
        outcome = await stage.answer("Note", "probe-1", {"text": "x" * 2000})
        assert (outcome.status, outcome.detail["code"]) == (Status.REJECTED, "too_large")


async def test_outcomes_stand_in_the_order_of_the_commands() -> None:
    stage = Stage(batch_commands=7)
    probes = aggregates("probe", 3, 3)
    sent = [stage.send("Note", probes[n % 3]) for n in range(50)]
    async with stage.owner(3):
        await stage.outcome(sent[-1], 3)
    outcomes = stage.outcomes(3)
    assert [one.entry for one in outcomes] == sent
    assert [one.position for one in outcomes] == list(range(1, 51))
    for probe in probes:
        versions = [one.version for one in outcomes if one.aggregate == probe]
        assert versions == list(range(1, len(versions) + 1))


async def test_async_deciders_of_different_aggregates_wait_together() -> None:
    stage = Stage()
    probes = aggregates("probe", 0, 3)
    async with stage.owner(0):
        sent = [stage.send("Wait", probe, {"gate": "g"}, id=probe) for probe in probes]
        await eventually(lambda: stage.gates.waiting == probes, "all wait at once")
        assert stage.outcomes(0) == []
        stage.gates["g"].set()
        assert [(await stage.outcome(entry, 0)).status for entry in sent] == ["accepted"] * 3


async def test_commands_of_one_aggregate_are_decided_in_their_order() -> None:
    stage = Stage()
    [probe] = aggregates("probe", 0, 1)
    first = stage.send("Wait", probe, {"gate": "a"}, id="first")
    second = stage.send("Note", probe, {"text": "b"}, id="second")
    third = stage.send("Wait", probe, {"gate": "c"}, id="third")
    stage.gates["c"].set()
    async with stage.owner(0), stage.session() as session:
        await eventually(lambda: stage.gates.waiting == ["first"], "the first waits")
        await anyio.wait_all_tasks_blocked()
        assert stage.gates.waiting == ["first"]
        assert stage.gates.decided == 0
        stage.gates["a"].set()
        answers = [await stage.outcome(entry, 0) for entry in (first, second, third)]
        assert [one.version for one in answers] == [1, 2, 3]
        events = await session.inspection.events(probe, session.partitions)
        assert [event.data for event in events] == [
            b'{"text":"%s"}' % t for t in (b"a", b"b", b"c")
        ]


async def test_more_aggregates_than_fit_in_memory() -> None:
    stage = Stage(actors=8)
    probes = aggregates("probe", 1, 9)
    async with stage.owner(1):
        for n in (1, 2):
            outcomes = [await stage.answer("Note", probe) for probe in probes]
            assert [one.version for one in outcomes] == [n] * 9
        sent = [stage.send("Note", probe) for probe in probes]
        assert [(await stage.outcome(entry, 1)).version for entry in sent] == [3] * 9


async def test_a_commit_takes_no_more_events_than_one_script_should_write() -> None:
    stage = Stage(batch_events=15)
    sent = [stage.send("Many", "probe-1", {"count": 10}, id=f"many-{n}") for n in range(7)]
    sent.append(stage.send("Many", "probe-1", {"count": 10}, id="many-1"))
    async with stage.owner(home("probe-1")) as served:
        outcomes = [await stage.outcome(entry, home("probe-1")) for entry in sent]
        assert served is not None
    assert [outcome.version for outcome in outcomes] == [10, 20, 30, 40, 50, 60, 70, 20]
    assert outcomes[-1].status is Status.DUPLICATE
    head = stage.server.data.hash(stage.keys.head(home("probe-1")))
    assert (head["commit"], head["position"]) == ("4", "70")
