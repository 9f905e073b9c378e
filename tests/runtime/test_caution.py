"""What kills whoever handles it is found out, answered, and takes nobody else with it."""

import anyio
import pytest

from engine.core.outcome import Status
from engine.core.ports import Ledger
from engine.core.records import Commit, Entry
from engine.runtime.caution import CRASHES_LIMIT, DEATHS_LIMIT, Caution
from tests.eventually import eventually
from tests.runtime.meddling import Barrier, Death, Meddler, die
from tests.runtime.stage import Stage, home

PROBE = "probe-1"
HOME = home(PROBE)


class Notes:
    """What is noted of crashes, in place of a lease."""

    def __init__(self, deaths: int = 0) -> None:
        self.deaths = deaths
        self.suspects: list[int] = []
        self.acquittals = 0

    async def suspect(self, what: int) -> int:
        self.suspects.append(what)
        return self.deaths

    async def acquit(self) -> None:
        self.acquittals += 1

    def caution(self, crashes: int, last: int = 5) -> Caution[int]:
        return Caution(crashes, self.suspect, self.acquit, past=lambda what: what >= last)


@pytest.mark.parametrize("crashes", range(CRASHES_LIMIT))
async def test_a_few_crashes_are_no_reason_to_be_slow(crashes: int) -> None:
    notes = Notes(deaths=DEATHS_LIMIT)
    caution = notes.caution(crashes)
    assert not caution.needed
    assert not await caution.condemns(1)
    assert notes.suspects == []


@pytest.mark.parametrize(
    ("deaths", "condemned"), [(0, 0), (DEATHS_LIMIT - 1, 0), (DEATHS_LIMIT, 1)]
)
async def test_what_is_tried_is_noted_and_condemned_after_some_deaths(
    deaths: int, condemned: int
) -> None:
    notes = Notes(deaths)
    caution = notes.caution(CRASHES_LIMIT)
    assert caution.needed
    assert await caution.condemns(7) == bool(condemned)
    assert notes.suspects == [7]


@pytest.mark.parametrize("crashes", [1, CRASHES_LIMIT])
async def test_all_is_forgotten_once_behind_what_was_waiting(crashes: int) -> None:
    notes = Notes()
    caution = notes.caution(crashes, last=5)
    await caution.survived(4)
    assert notes.acquittals == 0
    assert caution.needed == (crashes == CRASHES_LIMIT)
    await caution.survived(5)
    assert not caution.needed
    await caution.survived(6)
    assert notes.acquittals == 1


async def test_where_nobody_crashed_there_is_nothing_to_forget() -> None:
    notes = Notes()
    await notes.caution(0).survived(9)
    assert notes.acquittals == 0


class Recorded(Meddler):
    """A ledger that remembers what each commit was of."""

    def __init__(self, real: Ledger, commits: list[list[str]]) -> None:
        super().__init__(real)
        self._commits = commits

    async def commit(self, commit: Commit) -> None:
        await self._real.commit(commit)
        self._commits.append([record.id.decode() for record in commit.records])


async def live(stage: Stage) -> bool:
    """One owner's life, until everything is answered; whether it died before."""
    died = False
    async with stage.session() as session, anyio.create_task_group() as tasks:
        served = await stage.partition(session, HOME)
        token = await stage.acquire(session, HOME)

        async def serve() -> None:
            nonlocal died
            try:
                await served.serve(token)
            except Death:
                died = True
                tasks.cancel_scope.cancel()

        tasks.start_soon(serve)
        await eventually(lambda: not stage.outcomes_due(HOME), "everything is answered")
        served.stop()
    return died


def lease(stage: Stage) -> dict[str, str]:
    return dict(stage.server.data.hash(stage.keys.lease(HOME)))


IDS = ["a", "b", "deadly", "c", "d"]


async def test_a_command_of_death_is_answered_and_its_neighbours_are_served_once() -> None:
    stage = Stage()
    commits: list[list[str]] = []
    stage.wrap = lambda ledger: Recorded(ledger, commits)
    for id in IDS:
        stage.send("Kill" if id == "deadly" else "Note", PROBE, id=id)

    for _ in range(CRASHES_LIMIT):
        assert await live(stage)
    assert commits == []
    for deaths in range(DEATHS_LIMIT):
        assert await live(stage)
        assert commits == [["a"], ["b"]]
        assert lease(stage)["suspect"] == stage.outcomes_due(HOME)[0]
        assert lease(stage)["deaths"] == str(deaths)
    assert not await live(stage)

    assert commits == [[id] for id in IDS]
    outcomes = stage.outcomes(HOME)
    assert [one.id for one in outcomes] == IDS
    assert [one.status for one in outcomes] == [
        "failed" if id == "deadly" else "accepted" for id in IDS
    ]
    assert outcomes[2].detail["code"] == "deadly"
    assert [one.version for one in outcomes] == [1, 2, 2, 3, 4]
    assert not {"crashes", "suspect", "deaths"} & lease(stage).keys()


async def test_a_condemned_id_is_known_and_tried_no_more() -> None:
    stage = Stage()
    stage.send("Kill", PROBE, id="deadly")
    while await live(stage):
        pass
    [first] = stage.outcomes(HOME)
    async with stage.owner(HOME):
        again = await stage.answer("Kill", PROBE, id="deadly")
        other = await stage.answer("Note", PROBE, id="deadly")
    assert again.status is Status.DUPLICATE
    assert again.decisive is Status.FAILED
    said = again.detail["first"]
    assert (said["entry"], said["code"]) == (first.entry, "deadly")
    assert (other.status, other.detail["code"]) == (Status.REJECTED, "id_reused")


async def test_a_history_that_kills_is_not_looked_at_for_an_answer() -> None:
    """It is the aggregate that nobody survives, not the command: that is answered all the same."""
    stage = Stage()
    async with stage.owner(HOME):
        await stage.answer("Note", PROBE)
    [event] = stage.server.data.stream(stage.keys.events(HOME, PROBE)).entries
    fatal = {**event.fields, b"data": b'{"text":"fatal"}'}
    stage.server.data.stream(stage.keys.events(HOME, PROBE)).entries[0] = Entry(event.id, fatal)
    entry = stage.send("Note", PROBE)
    for _ in range(CRASHES_LIMIT + DEATHS_LIMIT):
        assert await live(stage)
    assert not await live(stage)
    outcome = await stage.outcome(entry, HOME)
    assert (outcome.status, outcome.detail["code"]) == (Status.FAILED, "deadly")
    assert outcome.version == 1


async def test_owners_that_die_of_something_else_condemn_nothing() -> None:
    """Each dies at another command, after the one that its predecessor was at."""
    stage = Stage()
    sent = [stage.send("Note", PROBE, id=f"c-{n}") for n in range(12)]
    stage.wrap = lambda ledger: Meddler(ledger, before={"commit": die})
    for _ in range(CRASHES_LIMIT):
        assert await live(stage)
    stage.wrap = lambda ledger: Meddler(ledger, after={"commit": die})
    for served in range(1, 8):
        assert await live(stage)
        assert len(stage.outcomes(HOME)) == served
    stage.wrap = lambda ledger: ledger
    assert not await live(stage)
    assert [one.entry for one in stage.outcomes(HOME)] == sent
    assert {one.status for one in stage.outcomes(HOME)} == {Status.ACCEPTED}


async def test_who_was_stopped_did_not_die() -> None:
    stage, barrier = Stage(), Barrier()
    stage.send("Kill", PROBE, id="deadly")
    for _ in range(CRASHES_LIMIT):
        assert await live(stage)
    before = await crashes_of_a_stopped_owner(stage, barrier)
    assert before == str(CRASHES_LIMIT)
    assert await live(stage)
    assert (lease(stage)["crashes"], lease(stage)["deaths"]) == (str(CRASHES_LIMIT), "0")


async def crashes_of_a_stopped_owner(stage: Stage, barrier: Barrier) -> str:
    """Stop an owner before it has touched anything."""
    stage.wrap = lambda ledger: Meddler(ledger, before={"waiting": barrier})
    async with stage.owner(HOME) as served:
        await barrier.reached.wait()
        served.stop()
        barrier.opened.set()
    stage.wrap = lambda ledger: ledger
    return lease(stage)["crashes"]
