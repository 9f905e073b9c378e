"""The projector: rows are what a plain fold of the log makes, however the log is delivered."""

from collections.abc import Iterator
from dataclasses import replace

import anyio
import pytest

from engine import EventContext, Operation, Projection, put
from engine.core import registry
from engine.core.errors import Fenced, Refused, Torn
from engine.core.listing import Listing
from engine.runtime import follower as module
from engine.runtime import standstill
from handlers.orders import OrderCreated
from projections.customers import customers
from projections.orders import OrderRow, orders
from tests.eventually import eventually
from tests.runtime.meddling import Barrier, Death, die
from tests.runtime.reading import PARTITION, folded, plain, reading

EVENTS = 6


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))


async def test_rows_are_a_plain_fold_of_the_log() -> None:
    async with reading() as r:
        rows = await r.read(1)
        assert plain(rows) == folded(r)
        assert plain(rows) == {"customer-c-1": {"order_count": "2", "order_amount": "50.75"}}
        assert rows["customer-c-1"][f"_at:{PARTITION}"] == "6"


async def test_events_that_a_projection_does_not_take_are_passed_over() -> None:
    async with reading() as r:
        projection = replace(customers, on=())
        r.stage.domain.event_handlers["customers"] = {}
        assert await r.read(1, projection=projection) == {}
        assert r.position(1) == EVENTS


async def test_a_generation_goes_on_where_it_was() -> None:
    async with reading(projection_batch_events=1) as r:
        r.wrap = {"after": {"apply": die}}
        for position in range(1, 4):
            with pytest.raises(Death):
                await (await r.projector(1)).serve(await r.acquire(1))
            assert r.position(1) == position
        r.wrap = {}
        assert plain(await r.read(1)) == folded(r)


async def test_nothing_is_written_to_a_generation_that_is_over() -> None:
    async with reading() as r:
        r.is_kept = False
        await (await r.projector(1)).serve(await r.acquire(1))
        assert (r.position(1), r.rows(1)) == (0, {})
        r.is_kept = True
        await r.read(1)


async def test_who_waits_for_the_turn_of_its_next_step_can_be_stopped() -> None:
    async with reading() as r:
        r.pace.share = 0.000001
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                first, second = await r.projector(1), await r.projector(2)
                tasks.start_soon(first.serve, await r.acquire(1))
                await r.reached(1, EVENTS)
                before = r.pace._free_at
                tasks.start_soon(second.serve, await r.acquire(2))
                await eventually(lambda: r.pace._free_at > before, "it waits for its turn")
                assert second.progress.report().busy is None
                second.stop()
                first.stop()
        assert r.position(2) == 0


async def test_what_is_projected_meanwhile_is_read_too() -> None:
    async with reading() as r, r.projecting(1):
        await r.reached(1, EVENTS)
        async with r.stage.owner(PARTITION):
            order = r.entries()[2].fields[b"aggregate"].decode()
            await r.stage.answer("ShipOrder", order)
        await r.reached(1, EVENTS + 1)


async def test_an_event_that_cannot_be_projected_is_tried_until_it_can_be() -> None:
    failures = iter(range(3))

    def on_created(_event: OrderCreated, context: EventContext) -> Iterator[Operation]:
        if next(failures, None) is not None:
            raise RuntimeError("a bug")
        yield put(context.aggregate, item_count=context.position)

    async with reading() as r:
        broken = Projection(name="broken", row=OrderRow, on=[on_created])
        r.stage.domain = registry.build(projections=[broken])
        rows = await r.read(1, projection=broken)
        assert [row["item_count"] for row in rows.values()] == ["1", "3"]


async def test_a_step_that_the_store_refuses_is_tried_until_it_is_taken() -> None:
    failures = iter(range(3))

    async def full() -> None:
        if next(failures, None) is not None:
            raise Refused("OOM")

    async with reading() as r:
        r.wrap = {"before": {"apply": full}}
        assert plain(await r.read(1)) == folded(r)


async def test_what_is_blocked_can_be_stopped() -> None:
    reached = anyio.Event()

    def on_created(event: OrderCreated) -> Iterator[Operation]:
        reached.set()
        raise RuntimeError(f"a bug about {event}")
        yield

    async with reading() as r:
        broken = Projection(name="broken", row=OrderRow, on=[on_created])
        r.stage.domain = registry.build(projections=[broken])
        with anyio.fail_after(1):
            async with r.projecting(1, projection=broken):
                await reached.wait()
        assert r.position(1, broken) == 0


async def test_a_worker_that_was_replaced_writes_nothing() -> None:
    barrier = Barrier()
    async with reading() as r:
        r.wrap = {"before": {"apply": barrier}}
        stale, token = await r.projector(1), await r.acquire(1)
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                with pytest.raises(Fenced):
                    await stale.serve(token)

            tasks.start_soon(serve)
            await barrier.reached.wait()
            r.wrap = {}
            await r.read(1)
            before = r.stage.server.data.dump()
            barrier.opened.set()
        assert r.stage.server.data.dump() == before
        assert plain(r.rows(1)) == folded(r)


async def test_no_step_takes_more_events_than_it_may() -> None:
    steps: list[int] = []
    async with reading(projection_batch_events=4) as r:

        async def note() -> None:
            steps.append(r.position(1))

        r.wrap = {"after": {"apply": note}}
        await r.read(1)
    assert steps == [4, 6]


@pytest.mark.parametrize("wrong", [{"command": "1-0"}, {"position": "7"}, {"position": "99"}])
async def test_a_checkpoint_that_the_log_contradicts_is_torn(wrong: dict[str, str]) -> None:
    async with reading() as r:
        await r.read(1)
        r.stage.server.data.put(r.stage.keys.projection(PARTITION, "customers", 1), wrong)
        with pytest.raises(Torn, match="history was lost"):
            await (await r.projector(1)).serve(await r.acquire(1))


async def test_who_does_not_hold_the_lease_writes_nothing() -> None:
    async with reading() as r:
        with pytest.raises(Fenced):
            await (await r.projector(1)).serve("no token")
        assert r.rows(1) == {}


async def test_orders_stand_in_their_customers_index() -> None:
    async with reading() as r:
        await r.read(1, projection=orders)
        by_customer, by_both = orders.indexes
        everything = Listing("orders", by_customer, ("c-1",))
        found = await r.session.rows.members(everything, 1, 0, 9)
        assert sorted(each.row for each in found.entries) == sorted(plain(r.rows(1, orders)))
        assert found.total == 2
        shipped = Listing("orders", by_both, ("c-1", "shipped"))
        assert (await r.session.rows.members(shipped, 1, 0, 9)).total == 1
