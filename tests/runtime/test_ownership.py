"""One owner writes at a time: a stale one writes nothing, and its successor repeats nothing."""

import anyio
import pytest

from engine.core.errors import Fenced, Lost, NotNow, Refused, Torn, single
from engine.core.outcome import Status
from engine.core.ports import Ledger
from engine.runtime import patience
from tests.eventually import eventually
from tests.runtime.meddling import Barrier, Death, Meddler, die
from tests.runtime.stage import Stage, home

PROBE = "probe-1"
HOME = home(PROBE)


async def test_an_owner_that_was_replaced_before_its_commit_writes_nothing() -> None:
    stage, barrier = Stage(), Barrier()

    def held_up(ledger: Ledger) -> Ledger:
        stage.wrap = lambda other: other
        return Meddler(ledger, before={"commit": barrier})

    stage.wrap = held_up
    sent = [stage.send("Note", PROBE, id=f"c-{n}") for n in range(3)]
    async with stage.session() as session, anyio.create_task_group() as tasks:
        stale = await stage.partition(session, HOME)
        token = await stage.acquire(session, HOME)

        async def serve() -> None:
            with pytest.raises(Fenced):
                await stale.serve(token)

        tasks.start_soon(serve)
        await barrier.reached.wait()
        async with stage.owner(HOME):
            answers = [await stage.outcome(entry, HOME) for entry in sent]
        before = stage.server.data.dump()
        barrier.opened.set()
    assert stage.server.data.dump() == before
    assert [one.status for one in answers] == ["accepted"] * 3
    assert [id for id, _ in stage.events(PROBE)] == ["1-0", "2-0", "3-0"]


async def test_an_owner_that_dies_after_its_commit_is_followed_without_a_repeat() -> None:
    stage = Stage()
    stage.wrap = lambda ledger: Meddler(ledger, after={"commit": die})
    sent = [stage.send("Note", PROBE, id=f"c-{n}", meta={"reply": "r"}) for n in range(3)]
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        token = await stage.acquire(session, HOME)
        with pytest.raises(Death):
            await served.serve(token)
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        later = await stage.answer("Note", PROBE, id="later")
    assert later.version == 4
    assert [one.entry for one in stage.outcomes(HOME)] == [*sent, later.entry]
    assert [one.status for one in stage.outcomes(HOME)] == ["accepted"] * 4


async def test_who_dies_before_its_commit_has_done_nothing() -> None:
    stage = Stage()
    stage.wrap = lambda ledger: Meddler(ledger, before={"commit": die})
    entry = stage.send("Note", PROBE)
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        token = await stage.acquire(session, HOME)
        with pytest.raises(Death):
            await served.serve(token)
    assert stage.outcomes(HOME) == []
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        assert (await stage.outcome(entry, HOME)).version == 1


async def own_until_broken(stage: Stage) -> None:
    async with stage.owner(HOME):
        await stage.answer("Note", PROBE)
        stage.server.break_sessions()
        await anyio.sleep_forever()


async def test_a_session_that_breaks_ends_its_owner() -> None:
    stage = Stage()
    with pytest.raises(BaseExceptionGroup) as broken:
        await own_until_broken(stage)
    assert isinstance(single(broken.value), Lost)
    async with stage.owner(HOME):
        assert (await stage.answer("Note", PROBE)).version == 2


async def test_a_server_that_came_back_begins_another_branch() -> None:
    stage = Stage()
    async with stage.owner(HOME):
        one = await stage.answer("Note", PROBE)
    async with stage.owner(HOME):
        two = await stage.answer("Note", PROBE)
    stage.server.restart()
    async with stage.owner(HOME):
        three = await stage.answer("Note", PROBE)
    assert one.branch == two.branch != three.branch
    assert [one.position, two.position, three.position] == [1, 2, 3]


async def test_who_does_not_hold_the_lease_serves_nothing() -> None:
    stage = Stage()
    entry = stage.send("Note", PROBE)
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        with pytest.raises(Fenced):
            await served.serve("no token")
    assert entry not in [one.entry for one in stage.outcomes(HOME)]


async def test_a_torn_partition_is_not_served() -> None:
    stage = Stage()
    stage.server.add(stage.keys.log(HOME), {b"any": b"thing"}, "1-0")
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        token = await stage.acquire(session, HOME)
        with pytest.raises(Torn):
            await served.serve(token)


async def test_a_stop_finishes_the_batch_in_hand_and_reads_no_further() -> None:
    stage = Stage(batch_commands=2)
    first, second, third = (stage.send("Note", PROBE, id=f"c-{n}") for n in range(3))
    barrier = Barrier()
    stage.wrap = lambda ledger: Meddler(ledger, before={"commit": barrier})
    async with stage.owner(HOME) as served:
        await barrier.reached.wait()
        served.stop()
        barrier.opened.set()
    assert [one.entry for one in stage.outcomes(HOME)] == [first, second]
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        assert (await stage.outcome(third, HOME)).version == 3


async def test_a_stop_before_anything_came_ends_at_once() -> None:
    stage = Stage()
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        served.stop()
        with anyio.fail_after(1):
            await served.serve(await stage.acquire(session, HOME))


async def test_replies_are_pushed_after_the_commit_in_its_order() -> None:
    stage = Stage()
    for n in range(3):
        stage.send("Note", PROBE, id=f"c-{n}", meta={"reply": "r1" if n != 1 else "r2"})
    stage.send("Note", PROBE, id="unasked")
    key = stage.keys.reply("r1")
    async with stage.owner(HOME):
        replies = await eventually(lambda: stage.server.data.queue(key), "the replies are there")
        assert [b'"id":"c-0"' in replies[0], b'"id":"c-2"' in replies[1]] == [True, True]
        assert len(replies) == 2
        assert b'"receipt":"%d.1.' % HOME in replies[0]


async def test_a_list_that_cannot_take_its_reply_holds_nobody_up() -> None:
    stage = Stage()
    stage.server.data.plant(stage.keys.reply("mine"), "planted")
    stage.send("Note", PROBE, id="c-1", meta={"reply": "mine"})
    stage.send("Note", PROBE, id="c-2", meta={"reply": "other"})
    async with stage.owner(HOME):
        assert (await stage.answer("Note", PROBE, id="c-3")).status is Status.ACCEPTED
        other = stage.keys.reply("other")
        await eventually(lambda: stage.server.data.queue(other), "the other list has its reply")
        assert len(stage.server.data.queue(other)) == 1


async def test_what_is_behind_is_dropped_now_and_then() -> None:
    stage = Stage(commands_keep_count=5, batch_commands=1, outcomes_keep_count=100)
    async with stage.owner(HOME):
        sent = [stage.send("Note", PROBE) for _ in range(23)]
        await stage.outcome(sent[-1], HOME)
    kept = [entry.id for entry in stage.server.data.stream(stage.keys.commands(HOME)).entries]
    assert sent[-5:] == kept[-5:]
    assert len(kept) <= 10
    assert [one.entry for one in stage.outcomes(HOME)] == sent


async def test_a_full_server_is_waited_for_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", (0.001,))
    stage, refusals = Stage(), 5

    async def full() -> None:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise NotNow("OOM command not allowed when used memory > 'maxmemory'.")

    stage.wrap = lambda ledger: Meddler(ledger, before={"commit": full})
    entry = stage.send("Note", PROBE)
    async with stage.owner(HOME) as served:
        assert (await stage.outcome(entry, HOME)).version == 1
        assert served.progress.report().trouble == ""
    assert refusals == -1


async def test_who_waits_for_a_full_server_says_why_and_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", (0.001,))
    stage = Stage()

    async def full() -> None:
        raise NotNow("OOM no memory")

    stage.wrap = lambda ledger: Meddler(ledger, before={"commit": full})
    entry = stage.send("Note", PROBE)
    async with stage.session() as session, anyio.create_task_group() as tasks:
        served = await stage.partition(session, HOME)
        token = await stage.acquire(session, HOME)

        async def serve() -> None:
            with pytest.raises(NotNow):
                await served.serve(token)

        tasks.start_soon(serve)
        await eventually(lambda: served.progress.report().trouble == "OOM no memory", "it says so")
        served.stop()
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        assert (await stage.outcome(entry, HOME)).version == 1


async def test_what_redis_refuses_for_good_ends_the_acquisition() -> None:
    stage = Stage()

    async def refused() -> None:
        raise Refused("WRONGTYPE somebody planted something")

    stage.wrap = lambda ledger: Meddler(ledger, before={"commit": refused})
    entry = stage.send("Note", PROBE)
    async with stage.session() as session:
        served = await stage.partition(session, HOME)
        with pytest.raises(Refused):
            await served.serve(await stage.acquire(session, HOME))
    stage.wrap = lambda ledger: ledger
    async with stage.owner(HOME):
        assert (await stage.outcome(entry, HOME)).version == 1
