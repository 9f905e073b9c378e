"""An event that kills whoever applies it is parked with its aggregate, and is named."""

import sys
from collections.abc import Iterator

import pytest

from engine import EventContext, Operation, Projection, put
from engine.core import registry
from engine.core.errors import Torn
from engine.core.parking import notes_in
from engine.runtime import follower as module
from engine.runtime.caution import CRASHES_LIMIT, DEATHS_LIMIT
from handlers.orders import OrderCreated, OrderItemAdded
from projections.orders import OrderRow
from tests.runtime.meddling import Death, die
from tests.runtime.reading import PARTITION, Reading, reading

DEADLY = 3


def on_created(_event: OrderCreated, context: EventContext) -> Iterator[Operation]:
    if context.position == DEADLY:
        raise Death
    yield put(context.aggregate, item_count=context.position)


def on_added(_event: OrderItemAdded, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, item_count=context.position)


GEN = ("fatal", 1)
FATAL = Projection(name="fatal", row=OrderRow, on=[on_created, on_added])


async def project(r: Reading) -> None:
    """One worker's life."""
    await (await r.projector(1, projection=FATAL)).serve(await r.acquire(1, FATAL))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)


async def test_an_event_of_death_is_parked_and_all_others_flow() -> None:
    async with reading() as r:
        r.stage.domain = registry.build(projections=[FATAL])
        reached = []
        for _ in range(CRASHES_LIMIT + DEATHS_LIMIT):
            with pytest.raises(Death):
                await project(r)
            reached.append(r.position(1, FATAL))
        assert reached == [0] * CRASHES_LIMIT + [DEADLY - 1] * DEATHS_LIMIT
        one, two = (r.entries()[n].fields[b"aggregate"].decode() for n in (0, DEADLY - 1))
        for _ in range(2):
            assert (await r.read(1, projection=FATAL)).keys() == {one}
        notes = notes_in(r.stage.server.data.hash(r.stage.keys.parked(PARTITION, *GEN)))
        assert notes.keys() == {two}
        assert (notes[two].position, notes[two].error.type) == (DEADLY, "Death")


async def test_where_none_can_be_parked_it_stops_its_projection_and_is_named() -> None:
    async with reading(parked_limit=0) as r:
        r.stage.domain = registry.build(projections=[FATAL])
        for _ in range(CRASHES_LIMIT + DEATHS_LIMIT):
            with pytest.raises(Death):
                await project(r)
        aggregate = r.entries()[DEADLY - 1].fields[b"aggregate"].decode()
        for _ in range(2):
            with pytest.raises(Torn, match=rf"position {DEADLY} \(OrderCreated of {aggregate}\)"):
                await project(r)
        assert r.position(1, FATAL) == DEADLY - 1
        assert r.rows(1, FATAL).keys() == {r.entries()[0].fields[b"aggregate"].decode()}


async def test_mended_code_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with reading() as r:
        r.stage.domain = registry.build(projections=[FATAL])
        for _ in range(CRASHES_LIMIT + DEATHS_LIMIT):
            with pytest.raises(Death):
                await project(r)
        r.digest = "mended"
        monkeypatch.setattr(sys.modules[__name__], "DEADLY", 0)
        await r.read(1, projection=FATAL)
        assert r.position(1, FATAL) == len(r.entries())
        assert len(r.rows(1, FATAL)) == 2


async def test_a_projector_that_gets_past_it_forgets_the_crashes() -> None:
    async with reading() as r:
        key = r.stage.keys.projection(PARTITION, "customers", 1)
        r.wrap = {"before": {"apply": die}}
        for _ in range(CRASHES_LIMIT + 1):
            with pytest.raises(Death):
                await (await r.projector(1)).serve(await r.acquire(1))
        steps: list[int] = []

        async def note() -> None:
            steps.append(r.position(1))

        r.wrap = {"after": {"apply": note}}
        await r.read(1)
        assert steps == [1, 2, 3, 4, 5, 6]
        assert not {"crashes", "suspect", "deaths"} & r.stage.server.data.hash(key).keys()
