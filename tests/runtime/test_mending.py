"""An id from the future, in a partition's stream and in the inbox: work goes on behind it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from engine.core.outcome import Status
from engine.store.memory.server import LAST_SEQUENCE
from tests.eventually import eventually
from tests.runtime.meddling import Death, Meddler, die
from tests.runtime.stage import Stage, aggregates, home
from tests.runtime.test_inbox import Mail

PROBE = "probe-1"
HOME = home(PROBE)
FAR = 9_999_999_999_999
INTRUDERS = pytest.mark.parametrize("intruder", [f"{FAR}-0", f"{LAST_SEQUENCE}-{LAST_SEQUENCE}"])


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def alarms(logged: list[Any], event: str = "partition.mended") -> list[Any]:
    return [one for one in logged if one["event"] == event]


def intrude(stage: Stage, id: str = f"{FAR}-0") -> None:
    """Add an entry as no honest client does."""
    fields = {b"id": b"intruder", b"type": b"Note", b"aggregate": PROBE.encode(), b"data": b"{}"}
    stage.server.add(stage.keys.commands(HOME), fields, id)


def note(stage: Stage, name: str) -> None:
    stage.send("Note", PROBE, {"text": name}, id=name)


def dead(stage: Stage, key: str) -> list[str]:
    """The stream ids that dead letters had."""
    return [e.fields[b"entry"].decode() for e in stage.server.data.stream(key).entries]


async def all_noted(stage: Stage, names: list[str]) -> None:
    """Until these commands, and no others, are accepted once, in this order."""
    await eventually(lambda: len(stage.outcomes(HOME)) >= len(names), "all are answered")
    outcomes = stage.outcomes(HOME)
    assert [(one.id, one.status) for one in outcomes] == [(n, Status.ACCEPTED) for n in names]
    entries = stage.server.data.stream(stage.keys.events(HOME, PROBE)).entries
    assert [json.loads(entry.fields[b"data"])["text"] for entry in entries] == names


@INTRUDERS
async def test_what_stood_before_and_behind_is_handled_once_in_order(
    intruder: str, logged: list[Any]
) -> None:
    stage = Stage()
    before, behind = ["a", "b", "c"], ["d", "e"] if intruder.startswith(str(FAR)) else []
    for name in before:
        note(stage, name)
    intrude(stage, intruder)
    for name in behind:
        note(stage, name)
    async with stage.owner(HOME):
        await all_noted(stage, before + behind)
        note(stage, "later")
        await all_noted(stage, [*before, *behind, "later"])
    assert dead(stage, stage.keys.dead(HOME)) == [intruder]
    [alarm] = alarms(logged)
    assert alarm["log_level"] == "error"
    assert (alarm["partition"], alarm["dead"], alarm["ids"]) == (HOME, 1, [intruder])
    assert alarm["added_again"] == len(behind)


async def test_intruders_that_come_again_and_again_stop_nobody(logged: list[Any]) -> None:
    stage = Stage()
    names = []
    async with stage.owner(HOME):
        for n in range(5):
            for name in (f"before-{n}", f"behind-{n}"):
                names.append(name)
                note(stage, name)
                intrude(stage, f"{FAR + 10 * n + len(names)}-0")
            await all_noted(stage, names)
    assert len(dead(stage, stage.keys.dead(HOME))) == sum(one["dead"] for one in alarms(logged))
    assert len(dead(stage, stage.keys.dead(HOME))) == len(names)


@pytest.mark.parametrize("died", ["before mend", "after mend"])
async def test_an_owner_that_dies_of_it_is_followed_by_one_that_goes_on(died: str) -> None:
    stage = Stage()
    note(stage, "a")
    intrude(stage)
    note(stage, "b")
    where, what = died.split()
    stage.wrap = lambda ledger: Meddler(ledger, **{where: {what: die}})
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        with pytest.raises(Death):
            await served.serve(await stage.acquire(session, HOME))
    assert stage.outcomes(HOME) == []
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        await all_noted(stage, ["a", "b"])
        # All that was waiting when it came is behind, wherever it stood then.
        lease = stage.keys.lease(HOME)
        await eventually(
            lambda: "crashes" not in stage.server.data.hash(lease), "the death is forgotten"
        )
    assert dead(stage, stage.keys.dead(HOME)) == [f"{FAR}-0"]


async def test_a_small_skew_is_taken_as_it_is(logged: list[Any]) -> None:
    stage = Stage()
    note(stage, "intruder")
    fields = {b"id": b"ahead", b"type": b"Note", b"aggregate": PROBE.encode()}
    data = {b"data": b'{"text": "ahead"}'}
    ahead = f"{stage.server.now_ms() + 30_000}-0"
    stage.server.add(stage.keys.commands(HOME), fields | data, ahead)
    async with stage.owner(HOME):
        await all_noted(stage, ["intruder", "ahead"])
        note(stage, "behind")
        await all_noted(stage, ["intruder", "ahead", "behind"])
    assert alarms(logged) == []


async def test_a_clock_that_went_back_makes_no_intruders(logged: list[Any]) -> None:
    stage = Stage()
    async with stage.owner(HOME):
        note(stage, "a")
        await all_noted(stage, ["a"])
    stage.clock.now -= 3600
    async with stage.owner(HOME):
        note(stage, "b")
        await all_noted(stage, ["a", "b"])
        intrude(stage)
        note(stage, "c")
        await all_noted(stage, ["a", "b", "c"])
    assert [one["ids"] for one in alarms(logged)] == [[f"{FAR}-0"]]


# -- The inbox --------------------------------------------------------------------------


def drop_at(mail: Mail, id: str) -> None:
    fields = {b"id": b"intruder", b"type": b"Note", b"aggregate": PROBE.encode(), b"data": b"{}"}
    mail.stage.server.add(mail.stage.keys.inbox(), fields, id)


@INTRUDERS
async def test_the_inbox_goes_on_too(intruder: str, logged: list[Any]) -> None:
    mail = Mail()
    names = ["a", "b"]
    for name in names:
        mail.drop(PROBE, id=name)
    drop_at(mail, intruder)
    if intruder.startswith(str(FAR)):
        names.append("c")
        mail.drop(PROBE, id="c")
    async with mail.moving():
        await eventually(lambda: len(mail.arrived(HOME)) >= len(names), "all are moved")
        mail.drop(PROBE, id="later")
        await eventually(lambda: b"later" in mail.arrived(HOME), "what came later is moved")
    assert mail.arrived(HOME) == [name.encode() for name in [*names, "later"]]
    stage = mail.stage
    assert dead(stage, stage.keys.inbox_dead()) == [intruder]
    assert stage.server.data.stream(stage.keys.inbox()).entries == []
    soon = stage.server.now_ms() + 60_000
    assert int(stage.server.data.hash(stage.keys.sources(HOME))["inbox"].split("-")[0]) <= soon
    [alarm] = alarms(logged, "inbox.mended")
    assert (alarm["log_level"], alarm["ids"]) == ("error", [intruder])


@pytest.mark.parametrize("died", ["before mend", "after mend", "after submit"])
async def test_a_mover_that_dies_of_it_is_followed_without_a_repeat_or_a_gap(died: str) -> None:
    mail = Mail(batch_commands=1)
    some = [aggregates("probe", n, 1)[0] for n in range(2)]
    for n in range(6):
        mail.drop(some[n % 2], id=f"c-{n}")
        if n % 3 == 0:
            drop_at(mail, f"{FAR + n}-0")
    where, what = died.split()
    async with mail.stage.session() as session:
        inbox = Meddler(session.inbox(), **{where: {what: die}})
        mover, token = await mail.mover(session, inbox), await mail.acquire(session)
        with pytest.raises(Death):
            await mover.serve(token)
    async with mail.moving():
        await eventually(lambda: len(mail.forwarded()) >= 6, "all are moved")
    assert mail.arrived(0) == [b"c-0", b"c-2", b"c-4"]
    assert mail.arrived(1) == [b"c-1", b"c-3", b"c-5"]
    assert len(dead(mail.stage, mail.stage.keys.inbox_dead())) == 2


async def test_where_the_clock_went_back_a_mark_hides_nobody(logged: list[Any]) -> None:
    """A mover died behind its submit, and Redis's clock went back before the next one came."""
    mail = Mail()
    mail.drop(PROBE, id="a")
    async with mail.stage.session() as session:
        inbox = Meddler(session.inbox(), after={"submit": die})
        mover, token = await mail.mover(session, inbox), await mail.acquire(session)
        with pytest.raises(Death):
            await mover.serve(token)
    mail.stage.clock.now -= 3600
    mail.drop(PROBE, id="b")
    async with mail.moving():
        await eventually(lambda: len(mail.forwarded()) >= 2, "both are moved")
        drop_at(mail, f"{FAR}-0")
        mail.drop(PROBE, id="c")
        await eventually(lambda: len(mail.forwarded()) >= 3, "the third is moved")
    assert mail.arrived(HOME) == [b"a", b"b", b"c"]
    assert [one["ids"] for one in alarms(logged, "inbox.mended")] == [[f"{FAR}-0"]]
