"""What partitions and projectors count: commits once they are true, and steps."""

import time
from collections.abc import Iterator

import pytest

from engine import EventContext, Operation, Projection, put
from engine.core import registry
from engine.runtime import standstill
from handlers.orders import OrderCreated
from projections.orders import OrderRow
from tests.counted import Counted
from tests.eventually import eventually
from tests.runtime.meddling import Death, Meddler, die
from tests.runtime.reading import PARTITION, reading
from tests.runtime.stage import Stage, aggregates, home

EVENTS = 6
MOVED = "semel_projection_moved_timestamp_seconds"
PROBE = aggregates("probe", 1, 3)


async def test_commands_are_counted_by_status_and_commits_as_they_come() -> None:
    stage, counted = Stage(), Counted()
    async with stage.owner(1):
        await stage.answer("Note", PROBE[0], id="one", meta={"reply": "r1"})
        await stage.answer("Note", PROBE[0], id="one")
        await stage.answer("Refuse", PROBE[1])
        await stage.answer("Raise", PROBE[2])
        await stage.answer("Many", PROBE[2], {"count": 3})
        moved = counted.now("semel_partition_moved_timestamp_seconds", partition="1")
        assert abs(moved - time.time()) < 60
    expected = {"accepted": 2, "rejected": 1, "failed": 1, "duplicate": 1}
    assert {
        status: counted.more("semel_commands_total", status=status) for status in expected
    } == expected
    assert counted.more("semel_commits_total") == 5
    assert counted.more("semel_events_total") == 4
    assert counted.more("semel_replies_total") == 1
    assert counted.more("semel_commit_seconds_count") == 5
    assert counted.more("semel_batch_commands_sum") == 5


async def test_a_batch_is_counted_as_one_commit() -> None:
    stage = Stage()
    *_, last = [stage.send("Note", PROBE[0]) for _ in range(3)]
    counted = Counted()
    async with stage.owner(1):
        await stage.outcome(last, home(PROBE[0]))
    assert counted.more("semel_commands_total", status="accepted") == 3
    assert counted.more("semel_commits_total") == 1
    assert counted.more("semel_batch_commands_bucket", le="4.0") == 1
    assert counted.more("semel_batch_commands_bucket", le="2.0") == 0


async def test_a_commit_of_unknown_fate_is_not_counted() -> None:
    stage, counted = Stage(), Counted()
    stage.wrap = lambda ledger: Meddler(ledger, after={"commit": die})
    stage.send("Note", PROBE[0])
    async with stage.session() as session:
        token = await stage.acquire(session, 1)
        with pytest.raises(Death):
            await (await stage.partition(session, 1)).serve(token)
    assert stage.head(1)["commit"] == "1"
    assert counted.more("semel_commits_total") == 0
    assert counted.more("semel_commands_total", status="accepted") == 0


async def test_a_partition_that_went_away_has_no_series() -> None:
    stage = Stage()
    async with stage.owner(1):
        await stage.answer("Note", PROBE[0])
        assert Counted.now("semel_partition_moved_timestamp_seconds", partition="1") > 0
    assert Counted.now("semel_partition_moved_timestamp_seconds", partition="1") == 0


async def test_steps_of_a_projection_are_counted_with_their_events() -> None:
    counted = Counted()
    async with reading(projection_batch_events=4) as r:
        async with r.projecting(1):
            await r.reached(1, EVENTS)
            moved = {"projection": "customers", "partition": str(PARTITION)}
            await eventually(
                lambda: abs(Counted.now(MOVED, **moved) - time.time()) < 60, "that it moved is seen"
            )
        assert Counted.now(MOVED, **moved) == 0
    assert counted.more("semel_projection_events_total", projection="customers") == EVENTS
    assert counted.more("semel_projection_batches_total", projection="customers") == 2


async def test_a_projection_that_stands_still_is_seen_until_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))
    broken = True

    def on_created(_event: OrderCreated, context: EventContext) -> Iterator[Operation]:
        if broken:
            raise RuntimeError("a bug")
        yield put(context.aggregate, item_count=1)

    def blocked() -> float:
        return Counted.now("semel_projection_blocked", projection="halting")

    async with reading() as r:
        halting = Projection(name="halting", row=OrderRow, on=[on_created])
        r.stage.domain = registry.build(projections=[halting])
        async with r.projecting(1, projection=halting):
            await eventually(lambda: blocked() == 1, "it is seen to stand still")
        assert blocked() == 0, "nobody stands still who is not there"
        async with r.projecting(1, projection=halting):
            await eventually(lambda: blocked() == 1, "it stands still again")
            broken = False
            await r.reached(1, EVENTS, projection=halting)
            await eventually(lambda: blocked() == 0, "it is seen to go on")
