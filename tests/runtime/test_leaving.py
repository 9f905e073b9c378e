"""Generations that are over leave nothing behind, however they went."""

import anyio
import pytest

from engine.store.memory import MemorySession
from engine.store.memory.feed import MemoryFeed
from tests.eventually import eventually
from tests.runtime.works import without_pauses, works


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


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
