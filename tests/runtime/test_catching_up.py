"""A build catches up with what is live, although that moves on all the time."""

import pytest

from engine.runtime import offer
from tests.eventually import eventually
from tests.runtime.works import NAME, never_level, without_pauses, works


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


async def test_under_steady_load_a_build_goes_live_from_where_the_live_one_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        tried = never_level(monkeypatch)
        await w.worker("a")
        await w.applied(1)
        stood = await w.session.builds.positions(NAME, 1)
        await w.rebuild("a")
        await w.live(2)
        assert tried[0] == []
        assert tried[-1] == stood


async def test_a_build_that_has_nearly_caught_up_takes_all_the_time_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bounded as before it would lag behind what is live for ever."""
    async with works(monkeypatch) as w:
        await w.worker("a")
        await w.applied(1)
        await w.rebuild("a", load=0.0005)
        await eventually(lambda: w.rows(2), "some rows are built")
        assert await w.lacks(2)
        monkeypatch.setattr(offer, "NEAR_EVENTS", 2000)
        await w.live(2)
