"""Poison: one aggregate is parked, and all others flow."""

import itertools

import anyio
import pytest

from engine.core.errors import Fenced, Parked
from engine.core.outcome import Receipt
from engine.core.parking import RETRY
from engine.edge.freshness import Wanted, fresh
from engine.edge.queries import RowViews
from tests.counted import Counted
from tests.eventually import eventually
from tests.runtime.meddling import Barrier, die
from tests.runtime.poison import EVENTS, OF_ONE, OF_TWO, ONE, TWO, Bugs, Play, Tally
from tests.runtime.reading import PARTITION, reading

pytestmark = pytest.mark.usefixtures("poison_log")


@pytest.mark.parametrize("size", [1, 2, 512])
@pytest.mark.parametrize("poison", OF_ONE)
async def test_poison_parks_its_aggregate_and_all_others_flow(poison: int, size: int) -> None:
    async with reading(projection_batch_events=size) as r:
        play = Play(r, Bugs(poison))
        before = [position for position in OF_ONE if position < poison]
        rows = {ONE: play.bugs.row(*before)} if before else {}
        assert await play.read() == {**rows, TWO: play.bugs.row(*OF_TWO)}
        note = play.parked[ONE]
        assert play.parked.keys() == {ONE}
        assert (note.position, note.attempts, str(note.error)) == (
            poison, 4, f"RuntimeError: a bug at {poison}",
        )  # fmt: skip
        assert "raise RuntimeError" in note.error.traceback
        assert note.since_ms == r.stage.server.now_ms()


async def test_a_known_bug_is_not_waited_for_again() -> None:
    async with reading() as r:
        play = Play(r, Bugs(1, 3))
        assert await play.read() == {}
        assert {name: note.attempts for name, note in play.parked.items()} == {ONE: 4, TWO: 1}


async def test_attempts_end_after_a_time() -> None:
    async with reading(park_after_attempts=1_000_000, park_after_seconds=0.01) as r:
        play = Play(r, Bugs(4))
        await play.read()
        assert 1 < play.parked[ONE].attempts < 1000


@pytest.mark.parametrize("size", [1, 2, 512])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_whenever_a_worker_dies_nothing_is_skipped_without_a_note(
    when: str, size: int
) -> None:
    async with reading(projection_batch_events=size) as r:
        play = Play(r, Bugs(4))
        lives = itertools.count()
        while play.position < EVENTS:
            # Every second one gets as far as a step.
            r.wrap = {"after" if next(lives) % 2 else when: {"apply": die}}
            await play.die_once()
            assert (ONE in play.parked) == (play.position >= 4)
        r.wrap = {}
        play.bugs.at.clear()
        await play.answered(RETRY)
        assert play.rows == {ONE: play.bugs.row(*OF_ONE), TWO: play.bugs.row(*OF_TWO)}


async def test_a_worker_that_was_replaced_parks_nobody() -> None:
    barrier = Barrier()
    async with reading() as r:
        play = Play(r, Bugs(4))
        r.wrap = {"before": {"apply": barrier}}
        stale = await r.projector(1, projection=play.bugs.projection)
        token = await r.acquire(1, play.bugs.projection)
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                with pytest.raises(Fenced):
                    await stale.serve(token)

            tasks.start_soon(serve)
            await barrier.reached.wait()
            r.wrap = {}
            play.bugs.at.clear()
            await play.read()
            barrier.opened.set()
        assert play.fields == {}
        assert play.rows == {ONE: play.bugs.row(*OF_ONE), TWO: play.bugs.row(*OF_TWO)}


async def test_where_no_more_can_be_parked_it_stands_still_and_says_so() -> None:
    async with reading(parked_limit=1) as r:
        play = Play(r, Bugs(1, 6))
        async with r.projecting(1, projection=play.bugs.projection) as projector:
            await eventually(
                lambda: "1 aggregates are parked" in projector.progress.trouble, "it says so"
            )
            assert play.parked.keys() <= {ONE}
            play.bugs.at.discard(1)
            await eventually(lambda: play.bugs.tries > 10, "it tries again and again")
            assert play.position < EVENTS
            if ONE not in play.parked:
                play.bugs.at.clear()
            else:
                await play.ask(RETRY)
            await r.reached(1, EVENTS, projection=play.bugs.projection)


async def test_a_query_for_a_receipt_of_a_parked_aggregate_says_so() -> None:
    async with reading() as r:
        play = Play(r, Bugs(4))
        await play.read()
        branch = (await r.session.checkpoints.branches(PARTITION))[-1].name

        async def view(position: int, row: str, of: str = "") -> Tally:
            want = Wanted(Receipt(PARTITION, position, branch), of)
            generation_of = fresh(r.session.checkpoints, want, anyio.current_time())
            views = RowViews(r.session.rows, r.stage.domain, generation_of)
            return await views.get(play.bugs.projection, row)

        for position in (4, 5):
            with pytest.raises(Parked, match=f"semel dead retry buggy {ONE}"):
                await view(position, ONE)
        assert (await view(2, ONE)).item_count == 2
        assert (await view(6, TWO)).item_count == 6
        # Whose outcome it is decides where that is known: it may have no event of its own.
        assert (await view(5, TWO, of=TWO)).item_count == 6
        with pytest.raises(Parked, match=f"semel dead retry buggy {ONE}"):
            await view(6, TWO, of=ONE)


async def test_who_is_parked_is_counted() -> None:
    def counted() -> float:
        return Counted.now("semel_projection_parked", projection="buggy")

    async with reading() as r:
        play = Play(r, Bugs(4))
        async with r.projecting(1, projection=play.bugs.projection):
            await eventually(lambda: counted() == 1, "it is counted")
        assert counted() == 0, "nobody is parked here any more"
        async with r.projecting(1, projection=play.bugs.projection):
            await eventually(lambda: counted() == 1, "the next one counts it too")
            play.bugs.at.clear()
            await play.ask(RETRY)
            await eventually(lambda: counted() == 0, "it has caught up")
