"""Generations are built beside the live one, flipped, compared and removed; nothing stops."""

from functools import partial
from typing import Any

import anyio
import pytest
import structlog

from engine import EventContext
from engine.core import registry
from engine.core.comparing import read_compared
from engine.core.generations import NONE
from engine.core.projection import Projection
from engine.core.routing import partition_of
from engine.store.memory import MemorySession
from engine.store.memory.feed import MemoryFeed
from projections.customers import customers
from projections.orders import OrderRow, on_created, orders
from tests.eventually import eventually
from tests.runtime.stage import PARTITIONS
from tests.runtime.works import NAME, without_pauses, works


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


async def test_the_first_worker_makes_the_first_generation_its_codes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        said = await w.said()
        assert (said.live, said.digest, said.building) == (1, "a", NONE)


async def test_a_build_by_the_same_code_goes_live_identical_while_commands_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w, anyio.create_task_group() as load:
        await w.worker("a")
        await w.applied(1)
        load.start_soon(w.submit, 40)
        await w.rebuild("a")
        await w.live(2)

        async def is_compared() -> str:
            return (await w.said()).compared

        result = read_compared(await eventually(is_compared, "the rows are compared"))
        assert (result.differ, result.unsettled, result.same_code) == (0, 0, True)
        await w.applied(2)
        await w.applied(1)
        assert w.rows(2) == w.rows(1)
        assert len(w.rows(2)) >= result.rows > 0
        said = await w.said()
        assert (said.previous, said.previous_digest, said.removing) == (1, "a", ())


async def test_the_previous_generation_goes_without_a_trace_when_it_was_kept_long_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a", previous_keep_seconds=0)
        await w.applied(1)
        await w.rebuild("a")
        await w.live(2)
        await eventually(lambda: not w.traces(1), "nothing is left of the first")
        assert (await w.said()).kept == (2,)
        await w.applied(2)


async def test_a_build_that_is_cancelled_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        await w.rebuild("a", load=0.01)
        await eventually(lambda: w.rows(2), "some rows are built")
        await w.revise((await w.said()).cancelled())

        async def is_removed() -> bool:
            return not (await w.said()).removing

        await eventually(is_removed, "it is removed")
        assert w.traces(2) == []
        assert (await w.said()).kept == (1,)
        await w.rebuild("a")
        await w.live(3)
        assert w.rows(3) == w.rows(1)


async def test_a_build_that_is_given_up_while_a_worker_takes_it_up_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        logs, late = MemorySession.logs, anyio.Event()

        async def is_removed() -> bool:
            return not (await w.said()).removing

        async def logs_of_what_is_over(
            self: MemorySession, projection: str, generation: int
        ) -> MemoryFeed:
            await w.revise((await w.said()).cancelled())
            await eventually(is_removed, "it is removed")
            feed = await logs(self, projection, generation)
            late.set()
            return feed

        monkeypatch.setattr(MemorySession, "logs", logs_of_what_is_over)
        await w.rebuild("a")
        await late.wait()
        await eventually(lambda: not w.traces(2), "nothing is left of it")


async def test_a_worker_with_other_code_leaves_what_is_there_to_others_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        old = await w.worker("a")
        with structlog.testing.capture_logs() as logged:
            await w.worker("b")
            await w.submit(30)
            await w.applied(1)
        outdated = [line for line in logged if line["event"] == "projection.outdated"]
        assert len(outdated) == 1
        assert "semel projection rebuild orders" in outdated[0]["error"]
        old.shutdown.ask()
        before = w.rows(1)
        await w.rebuild("b")
        await w.live(2)
        await w.applied(2)
        assert w.rows(1) == before


async def test_changed_code_builds_anew_where_it_may_and_the_old_goes_on_until_the_flip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a", rebuild_on_change=True)
        await w.applied(1)
        await w.worker("b", rebuild_on_change=True)
        await w.live(2)
        await w.submit(30)
        await w.applied(2)
        await w.applied(1)  # kept up by the old code
        said = await w.said()
        assert (said.digest, said.previous_digest, said.building) == ("b", "a", NONE)
        assert (said.live, said.last) == (2, 2), "the old code does not build anew again"


async def test_a_flip_that_is_taken_back_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a", rebuild_on_change=True)
        await w.worker("b", rebuild_on_change=True)
        await w.live(2)
        await w.revise((await w.said()).rolled_back(w.stage.server.now_ms()))
        await w.submit(30)
        await w.applied(1)
        await w.applied(2)
        said = await w.said()
        assert (said.live, said.previous, said.building, said.last) == (1, 2, NONE, 2)


async def test_a_build_that_nobody_serves_any_more_gives_way_to_newer_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        await w.revise((await w.said()).begun("gone", w.stage.server.now_ms() - 60_000))
        await w.worker("c", rebuild_on_change=True)
        await w.live(3)
        assert (await w.said()).digest == "c"
        await eventually(lambda: not w.traces(2), "nothing is left of what nobody built")


async def test_nothing_is_applied_while_it_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        await w.revise((await w.said()).paused())
        keys = [w.session.projection_lease(NAME, 1, partition) for partition in range(4)]

        async def are_free() -> bool:
            return not any(lease.node for lease in (await w.session.leases.look(keys)).values())

        await eventually(are_free, "nobody projects it")
        before = w.rows(1)
        await w.submit(30)
        assert w.rows(1) == before
        await w.revise((await w.said()).resumed())
        await w.applied(1)
        assert len(w.rows(1)) > len(before)


async def test_a_build_that_parks_aggregates_does_not_go_live_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch, park_after_attempts=1) as w:
        await w.worker("a")
        await w.applied(1)
        victim = min(w.rows(1))

        def on_created_badly(event: Any, context: EventContext) -> Any:
            if context.aggregate == victim:
                raise KeyError("planted")
            yield from on_created(event, context)

        on_created_badly.__annotations__ = dict(on_created.__annotations__)
        bad: Projection[OrderRow] = Projection(
            name=NAME, row=OrderRow, on=[on_created_badly, *orders.on[1:]], indexes=orders.indexes
        )
        domain = registry.build(projections=[bad, customers])
        with structlog.testing.capture_logs() as logged:
            await w.worker("bad", domain)
            await w.rebuild("bad")
            await eventually(
                lambda: [line for line in logged if line["event"] == "projection.unflipped"],
                "it is said that it does not go live",
            )
        assert (await w.said()).live == 1
        await w.revise((await w.said()).accepting_parked())
        await w.live(2)
        assert w.rows(2).keys() == w.rows(1).keys() - {victim}


async def test_workers_that_die_while_they_build_are_followed_by_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch, orders=40) as w:
        victims = [await w.worker("a"), await w.worker("a")]
        await w.applied(1)
        await w.rebuild("a", load=0.3)
        for victim in victims:
            built = len(w.rows(2))
            await eventually(partial(w.has_more_rows, 2, built), "it is built on")
            await w.worker("a")
            victim.die()
        await w.live(2)
        await w.applied(2)
        await w.applied(1)
        assert w.rows(2) == w.rows(1)
        assert {partition_of(row, PARTITIONS) for row in w.rows(2)} == set(range(PARTITIONS))


async def test_what_cannot_be_read_is_said_and_what_was_served_is_served_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        with structlog.testing.capture_logs() as logged:
            w.stage.server.data.put(w.stage.keys.live(NAME), {"live": "one"})
            await eventually(
                lambda: [line for line in logged if line["event"] == "projection.unread"],
                "it is said",
            )
            await w.submit(30)
            await w.applied(1)
        assert len([line for line in logged if line["event"] == "projection.unread"]) == 1
