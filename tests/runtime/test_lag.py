"""A projector's lag in metrics: true while it moves and while it does not, gone with its lease."""

from typing import Any, cast

import anyio
import pytest

from engine.core.errors import Fenced, Refused
from engine.runtime import lag as module
from engine.runtime.build import Build
from engine.runtime.lag import Lag
from engine.runtime.pace import Pace
from engine.telemetry.metrics import REGISTRY
from projections.customers import customers
from tests.eventually import eventually
from tests.runtime.meddling import Barrier, Meddler
from tests.runtime.reading import PARTITION, Reading, reading

EVENTS = 6


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.002)


def shown(stage: str = "live") -> tuple[float | None, float | None]:
    """Events and seconds, as they are shown; None where they are not."""
    labels = {"projection": "customers", "generation": stage, "partition": str(PARTITION)}
    return (
        REGISTRY.get_sample_value("semel_projection_lag_events", labels),
        REGISTRY.get_sample_value("semel_projection_lag_seconds", labels),
    )


NOTHING = (None, None)


async def test_a_lag_is_shown_while_the_lease_is_held() -> None:
    async with reading() as r:
        assert shown() == NOTHING
        async with r.projecting(1):
            await r.reached(1, EVENTS)
            await eventually(lambda: shown() == (0, 0), "nothing waits")
        assert shown() == NOTHING


async def test_what_stands_still_is_seen_to_fall_behind() -> None:
    async with reading(projection_batch_events=2) as r:
        barrier = Barrier()
        r.wrap = {"before": {"apply": barrier}}
        came = r.stage.clock.now
        async with r.projecting(1):
            await barrier.reached.wait()
            waited = r.stage.clock.now - came  # the lease's former holder had to run out
            await eventually(lambda: shown() == (EVENTS, waited), "all of it waits")
            r.stage.clock.now += 40
            await eventually(lambda: shown() == (EVENTS, waited + 40), "and grows older")
            barrier.opened.set()
            await eventually(lambda: shown() == (0, 0), "it catches up")
        assert shown() == NOTHING


async def test_an_event_that_is_gone_has_no_age_but_how_long_it_is_missed() -> None:
    async with reading() as r:
        log = r.stage.keys.log(PARTITION)
        entries = r.stage.server.data.stream(log).entries
        del entries[3:]
        async with r.projecting(1):
            await r.reached(1, 3)

            def is_missed() -> bool:
                events, seconds = shown()
                return events == EVENTS - 3 and (seconds or 0) > 0.01

            await eventually(is_missed, "the lag says so, and grows")


def made() -> Build:
    """A generation, as far as its lag is concerned."""
    nothing: Any = None
    return Build(customers, "", nothing, Pace(), nothing)


def lag_of(r: Reading, build: Build, number: int) -> Lag:
    log = r.session.log("customers", number, (), PARTITION, "t")
    return Lag(build, PARTITION, log, lambda: number)


async def test_a_series_goes_over_at_a_flip_in_whatever_order() -> None:
    async with reading() as r:
        old, new = made(), made()
        one, two = lag_of(r, old, 1), lag_of(r, new, 2)
        new.stage = "building"
        async with one.shown(), two.shown():
            await one.head()
            await two.head()
            assert (shown()[0], shown("building")[0]) == (EVENTS - 1, EVENTS - 2)
            new.stage = "live"  # and the other one has not heard of it yet
            await two.head()
            assert (shown()[0], shown("building")) == (EVENTS - 2, NOTHING)
            old.stage = "previous"
            await one.head()
            assert (shown()[0], shown("previous")[0]) == (EVENTS - 2, EVENTS - 1)
        assert [shown(stage) for stage in ("live", "building", "previous")] == [NOTHING] * 3


async def test_a_redis_that_refuses_to_say_ends_nothing() -> None:
    async with reading() as r:

        async def refuse() -> None:
            raise Refused("NOPERM")

        build = made()
        real = r.session.log("customers", 1, (), PARTITION, "t")
        lag = Lag(
            build, PARTITION, cast("Any", Meddler(real, {"head_position": refuse})), lambda: 0
        )
        async with lag.shown():
            await anyio.wait_all_tasks_blocked()
        assert shown() == NOTHING


async def test_what_ends_the_block_comes_out_as_it_is() -> None:
    async with reading() as r:
        build = made()
        lag = lag_of(r, build, 1)

        async def serve() -> None:
            async with lag.shown():
                await eventually(lambda: shown() != NOTHING, "it is shown")
                raise Fenced("somebody else has it")

        with pytest.raises(Fenced):
            await serve()
        assert shown() == NOTHING
