"""A namespace as it stands: what is said of it follows from what moved, and says what to do."""

from typing import Any, cast

import msgspec
import pytest
from anyio import to_thread

from engine.core.liveness import STILL_SECONDS, State, silent_after
from engine.core.records import Report
from engine.edge.cli.summing import Turns, summary_of
from engine.edge.projections import Generation, Projections
from engine.edge.survey import Partition, Survey
from engine.store.memory import MemorySession
from tests.runtime.reading import PARTITION, reading
from tests.runtime.stage import PARTITIONS, Stage, home

PROBE = "probe-1"
HOME = home(PROBE)
LONG = STILL_SECONDS + 2
LEASE_SECONDS = 1.5
SILENT_SECONDS = silent_after(LEASE_SECONDS)
NODE = {"role": "engine", "state": "serving", "host": "h", "pid": "7", "leases": "1"}


def survey(session: MemorySession) -> Survey:
    """What is looked at in memory stands as it does on a server."""
    on: Any = session
    return Survey(on, lease_seconds=LEASE_SECONDS)


async def report_of(session: MemorySession, node: str, report: Report) -> None:
    """Have a process say how it fares with the partition that is looked at."""
    about = {**NODE, "started": "1000"}
    said = msgspec.json.encode({session.partition_lease(HOME): report}).decode()
    await session.roster.beat(node, {**about, "reports": said}, 60)


async def seen(session: MemorySession) -> Partition:
    """How the partition stands that is looked at."""
    look = survey(session)
    await look.nodes()
    return (await look.partitions())[HOME]


@pytest.mark.parametrize(
    ("report", "waits", "state", "why"),
    [
        (None, None, State.IDLE, ""),
        (Report(3.0, None), None, State.IDLE, ""),
        (Report(None, 0.1), 1.0, State.RUNNING, ""),
        (None, LONG, State.BLOCKED, "nothing moved for 7 s"),
        (Report(LONG, LONG), LONG + 9, State.BLOCKED, "nothing moved for 7 s"),
        (Report(0.1, LONG), LONG, State.BEHIND, "the oldest waits for 7 s"),
        (Report(0.1, 0.1, "OOM no memory"), 1.0, State.RETRYING, "OOM"),
        (Report(None, None, "Torn: the log …", held=False), None, State.BLOCKED, "Torn"),
    ],
)
async def test_how_a_partition_fares_follows_from_what_moved(
    report: Report | None, waits: float | None, state: State, why: str
) -> None:
    stage = Stage()
    async with stage.session() as session:
        if waits is not None:
            stage.send("Note", PROBE)
            stage.clock.now += waits
        assert await session.leases.acquire(session.partition_lease(HOME), "n", "t", 60)
        if report is not None:
            await report_of(session, "n", report)
        found = await seen(session)
        assert (found.state, found.owner, found.waiting) == (state, "n", int(waits is not None))
        assert why in found.why
        assert bool(found.why) == bool(why)
        assert found.waits == (waits or 0.0)


async def test_what_nobody_owns_is_unowned_whatever_waits() -> None:
    stage = Stage()
    async with stage.session() as session:
        assert [(await seen(session)).state] == [State.UNOWNED]
        stage.send("Note", PROBE)
        stage.clock.now += LONG
        found = await seen(session)
        assert (found.state, found.owner, found.waiting) == (State.UNOWNED, "", 1)


async def test_an_owner_that_says_nothing_any_more_is_judged_by_its_work() -> None:
    """What it said last grows old; a lease that a thread keeps says nothing of the loop."""
    stage = Stage()
    async with stage.session() as session:
        assert await session.leases.acquire(session.partition_lease(HOME), "n", "t", 60)
        stage.send("Note", PROBE)
        await report_of(session, "n", Report(0.0, 0.0))
        assert (await seen(session)).state is State.RUNNING
        stage.clock.now += LONG
        assert (await seen(session)).state is State.BLOCKED


async def test_who_holds_it_is_believed_before_who_was_stopped_at_it() -> None:
    stopped, fine = Report(None, None, "Torn", held=False), Report(0.1, None)
    for first, second in ((stopped, fine), (fine, stopped)):
        stage = Stage()
        async with stage.session() as session:
            assert await session.leases.acquire(session.partition_lease(HOME), "b", "t", 60)
            await report_of(session, "a", first)
            await report_of(session, "b", second)
            assert (await seen(session)).state is State.IDLE


async def test_who_is_there_and_who_has_fallen_silent() -> None:
    stage = Stage()
    async with stage.session() as session:
        await session.roster.beat("a", {**NODE, "started": "1000"}, 60)
        stage.clock.now += SILENT_SECONDS + 1
        await session.roster.beat("b", {**NODE, "state": "draining", "started": "2000"}, 60)
        nodes = await survey(session).nodes()
        assert [(n.node, n.state, n.silent_seconds) for n in nodes] == [
            ("a", "silent", 3.0), ("b", "draining", 0.0),
        ]  # fmt: skip
        assert (nodes[1].host, nodes[1].pid, nodes[1].leases) == ("h", "7", 1)
        assert (nodes[0].role, nodes[0].host, nodes[0].pid, nodes[0].leases) == (
            "engine", "h", "7", 0,
        )  # fmt: skip
        assert nodes[1].started_ms == 2000


async def test_who_keeps_its_leases_and_says_nothing_is_stuck() -> None:
    stage = Stage()
    async with stage.session() as session:
        await session.roster.beat("a", NODE, 60)
        stage.clock.now += SILENT_SECONDS + 1
        lifeline: Any = session.lifeline("a", 1.5)
        assert await to_thread.run_sync(lifeline.renew, {}) == []
        [node] = await survey(session).nodes()
        assert (node.state, node.leases, node.silent_seconds) == ("stuck", 1, 0.0)


async def test_what_the_dead_said_of_a_partition_is_not_believed() -> None:
    stage = Stage()
    async with stage.session() as session:
        assert await session.leases.acquire(session.partition_lease(HOME), "n", "t", 60)
        await report_of(session, "n", Report(0.1, 0.1, "OOM no memory"))
        assert (await seen(session)).state is State.RETRYING
        stage.clock.now += SILENT_SECONDS + 1
        assert (await seen(session)).state is State.IDLE


async def test_nobody_is_silent_between_two_renewals_of_long_leases() -> None:
    stage = Stage()
    async with stage.session() as session:
        await session.roster.beat("a", NODE, 60)
        stage.clock.now += SILENT_SECONDS + 1
        on: Any = session
        [node] = await Survey(on, lease_seconds=10).nodes()
        assert (node.state, node.silent_seconds) == ("serving", 3.0)


async def test_how_a_projection_fares() -> None:
    async with reading() as r:
        key = r.session.projection_lease("customers", 1, PARTITION)

        async def customers() -> Generation:
            look, on = survey(r.session), cast("Any", r.session)
            await look.nodes()
            return await Projections(on, look.reports).live("customers")

        found = await customers()
        assert (found.behind, found.owned, found.workers) == (6, 0, [])
        assert found.states == {"unowned": PARTITIONS}

        assert await r.session.leases.acquire(key, "w", "t", 60)
        report = Report(0.1, 0.1, "position 3: ValueError: a bug")
        said = msgspec.json.encode({key: report}).decode()
        await r.session.roster.beat("w", {**NODE, "reports": said}, 60)
        found = await customers()
        assert (found.owned, found.workers) == (1, ["w"])
        assert found.states == {"unowned": PARTITIONS - 1, "retrying": 1}
        assert found.troubles == [f"partition {PARTITION}: position 3: ValueError: a bug"]

        await r.session.roster.farewell("w")
        r.stage.clock.now += LONG
        assert (await customers()).states == {"unowned": PARTITIONS - 1, "blocked": 1}
        await r.session.leases.release(key, "t")
        await r.read(1)
        found = await customers()
        assert (found.behind, found.states["idle"]) == (0, 1)


def partition(number: int, state: State, why: str = "", waiting: int = 0) -> Partition:
    return Partition(number, state, why, "n", 1.0, 0, 1, 1, waiting, 0.0)


def projection(name: str, *, lag: int = 0, owned: int = 2, troubles: tuple[str, ...] = ()) -> Any:
    return Generation(
        name=name, generation=1, stage="live", state=State.IDLE, behind=lag, owned=owned,
        workers=["w"], troubles=list(troubles),
    )  # fmt: skip


IDLE = partition(0, State.IDLE)


@pytest.mark.parametrize(
    ("partitions", "projections", "sentence"),
    [
        ([IDLE, IDLE], [], "all 2 partitions are served"),
        (
            [IDLE, partition(1, State.RUNNING, waiting=3)], [],
            "all 2 partitions are served, 3 commands wait",
        ),
        (
            [partition(0, State.UNOWNED), partition(1, State.UNOWNED, waiting=2)], [],
            "2 of 2 partitions are nobody's, 2 commands wait: start an engine with `semel run`",
        ),
        (
            [partition(0, State.UNOWNED), partition(1, State.BLOCKED, "nothing moved", 1)], [],
            "1 of 2 partitions stand still, 1 commands wait: 1: nothing moved",
        ),
        (
            [partition(0, State.RETRYING, "OOM"), partition(1, State.BEHIND, "9 s")], [],
            "all 2 partitions are served, 1 retrying, 1 behind",
        ),
        (
            [IDLE, IDLE], [projection("orders", lag=7, troubles=("partition 0: a bug", "more"))],
            "all 2 partitions are served, orders lags 7 events, partition 0: a bug",
        ),
        (
            [IDLE, IDLE], [projection("a", owned=1), projection("b", owned=0), projection("c")],
            "all 2 partitions are served, a, b: not projected everywhere, start `semel project`",
        ),
    ],
)  # fmt: skip
def test_one_sentence_says_how_things_stand_and_what_to_do(
    partitions: list[Partition], projections: list[Generation], sentence: str
) -> None:
    assert summary_of(partitions, projections) == sentence


def test_who_rests_for_a_reason_that_is_said_is_not_said_to_want_workers() -> None:
    turns = [Turns("a", ["a is paused"], rests=True), Turns("b", ["b is built"], rests=False)]
    idle = [projection("a", owned=0), projection("b", owned=0)]
    assert summary_of([IDLE, IDLE], idle, turns) == (
        "all 2 partitions are served, a is paused, b is built, b: not projected everywhere, "
        "start `semel project`"
    )
