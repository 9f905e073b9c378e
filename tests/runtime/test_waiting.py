"""Commands that cannot be decided wait: in their order, and in nobody's way."""

import json

import pytest

from engine.core.errors import Torn
from engine.core.outcome import Status
from tests.eventually import eventually
from tests.runtime.stage import Stage, aggregates, home

PROBE = "probe-1"
HOME = home(PROBE)
OTHER = aggregates("probe", HOME, 2)[1]
SOON = {"retry_attempts": 1000, "retry_pause_seconds": 0.001}


async def test_what_raises_is_deferred_and_tried_again_until_it_is_decided() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        first = await stage.answer("Ask", PROBE, id="a")
        assert (first.status, first.detail["code"]) == (Status.DEFERRED, "raised")
        assert "s is down" in first.detail["message"]
        kept = stage.waiting(HOME)[first.entry]
        assert kept["fields"] == {"id": "a", "type": "Ask", "aggregate": PROBE, "data": "{}"}
        assert (kept["tries"] >= 1, kept["error"]) == (True, "ConnectionError: s is down")
        await eventually(lambda: len(stage.gates.asked) > 3, "it is tried again")
        assert stage.events(PROBE) == []
        stage.gates.down.clear()
        late = await stage.late_outcome(first.entry, HOME)
    assert (late.status, late.id, late.version, late.position) == ("accepted", "a", 1, 1)
    assert stage.events(PROBE) == [("1-0", "Noted")]
    assert stage.waiting(HOME) == {}
    assert stage.head(HOME)["late"] == late.late


async def test_an_aggregate_is_closed_and_all_others_go_on() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        waits = await stage.answer("Ask", PROBE, id="a")
        behind = [await stage.answer("Note", PROBE, {"text": str(n)}, id=f"b{n}") for n in range(3)]
        others = [await stage.answer("Note", OTHER) for _ in range(3)]
        assert [one.status for one in others] == ["accepted"] * 3
        assert [(one.status, one.detail["code"]) for one in behind] == [("deferred", "behind")] * 3
        stage.gates.down.clear()
        late = [await stage.late_outcome(one.entry, HOME) for one in (waits, *behind)]
        assert (await stage.answer("Note", PROBE)).version == 5
    assert [one.version for one in late] == [1, 2, 3, 4]
    assert [one.entry for one in stage.late(HOME)] == [one.entry for one in (waits, *behind)]
    assert all(one.late.partition("-")[0] >= one.entry.partition("-")[0] for one in late)


async def test_what_stands_behind_it_in_its_batch_waits_too() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    sent = [stage.send(one, PROBE, id=f"c{n}") for n, one in enumerate(("Note", "Ask", "Note"))]
    async with stage.owner(HOME):
        outcomes = [await stage.outcome(entry, HOME) for entry in sent]
        assert [one.status for one in outcomes] == ["accepted", "deferred", "deferred"]
        stage.gates.down.clear()
        late = [await stage.late_outcome(entry, HOME) for entry in sent[1:]]
    assert [one.version for one in late] == [2, 3]


async def test_a_plain_decider_may_turn_out_to_wait_and_its_aggregate_with_it() -> None:
    stage = Stage(patience_seconds=0.01)
    sent = [
        stage.send("Perhaps", aggregate, data, id=f"p{n}")
        for n, (aggregate, data) in enumerate(
            [(PROBE, {}), (PROBE, {"gate": "g"}), (PROBE, {}), (OTHER, {})]
        )
    ]
    async with stage.owner(HOME):
        outcomes = [await stage.outcome(entry, HOME) for entry in sent]
        codes = [one.detail.get("code", one.status) for one in outcomes]
        assert codes == ["accepted", "slow", "behind", "accepted"]
        stage.gates["g"].set()
        late = [await stage.late_outcome(entry, HOME) for entry in sent[1:3]]
    assert [one.version for one in late] == [2, 3]


async def test_what_is_slow_is_deferred_and_goes_on() -> None:
    stage = Stage(patience_seconds=0.01)
    async with stage.owner(HOME):
        slow = await stage.answer("Wait", PROBE, {"gate": "g"}, id="slow")
        behind = await stage.answer("Note", PROBE, id="behind")
        assert (slow.status, slow.detail["code"]) == (Status.DEFERRED, "slow")
        assert (await stage.answer("Note", OTHER)).status is Status.ACCEPTED
        stage.gates["g"].set()
        assert (await stage.late_outcome(slow.entry, HOME)).version == 1
        assert (await stage.late_outcome(behind.entry, HOME)).version == 2
    assert stage.gates.waiting == ["slow"], "it was decided once"


async def test_a_repeat_of_what_waits_is_answered_behind_it() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    sent = [stage.send("Ask", PROBE, id="a") for _ in range(2)]
    async with stage.owner(HOME):
        sent.append((await stage.answer("Ask", PROBE, id="a")).entry)
        other = await stage.answer("Note", PROBE, id="a")
        assert (other.status, other.detail["code"]) == ("rejected", "id_reused")
        stage.gates.down.clear()
        first, *repeats = [await stage.late_outcome(entry, HOME) for entry in sent]
        again = await stage.answer("Ask", PROBE, id="a")
    assert [one.status for one in (first, *repeats, again)] == ["accepted", *["duplicate"] * 3]
    for one in (*repeats, again):
        said = one.detail["first"]
        assert (said["entry"], said["status"], said["version"]) == (sent[0], "accepted", 1)
    assert len(stage.events(PROBE)) == 1


async def test_what_the_code_here_does_not_know_any_more_is_refused_late() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE)
        behind = await stage.answer("Note", PROBE)
    del stage.domain.commands["Ask"]
    async with stage.owner(HOME):
        late = await stage.late_outcome(deferred.entry, HOME)
        assert (late.status, late.detail["code"]) == ("rejected", "unknown_type")
        assert (await stage.late_outcome(behind.entry, HOME)).status is Status.ACCEPTED


async def test_what_is_kept_and_cannot_be_read_stops_the_partition() -> None:
    stage = Stage(**SOON)
    stage.server.data.put(stage.keys.waiting(HOME), {"5-0": "rubbish"})
    async with stage.session() as session:
        served, token = await stage.partition(session, HOME), await stage.acquire(session, HOME)
        with pytest.raises(Torn, match="5-0"):
            await served.serve(token)


async def test_the_one_who_named_a_list_is_told_the_final_outcome_only() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        deferred = await stage.answer("Ask", PROBE, id="a", meta={"reply": "r1"})
        stage.gates.down.clear()
        late = await stage.late_outcome(deferred.entry, HOME)
        queue = await eventually(
            lambda: stage.server.data.queue(stage.keys.reply("r1")), "it is told"
        )
    [reply] = map(json.loads, queue)
    assert (reply["status"], reply["entry"], reply["late"]) == (
        "accepted",
        deferred.entry,
        late.late,
    )


async def test_an_expected_version_is_compared_when_its_turn_comes() -> None:
    stage = Stage(**SOON)
    stage.gates.down.add("s")
    async with stage.owner(HOME):
        first = await stage.answer("Ask", PROBE)
        fine = await stage.answer("Note", PROBE, meta={"expect": 1})
        wrong = await stage.answer("Note", PROBE, meta={"expect": 1})
        stage.gates.down.clear()
        late = [await stage.late_outcome(one.entry, HOME) for one in (first, fine, wrong)]
    assert [one.status for one in late] == ["accepted", "accepted", "rejected"]
    assert late[2].detail["code"] == "version_conflict"
