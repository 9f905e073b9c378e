"""A projection with bugs, and who reads through it: where parking is tried."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

import handlers
from engine import EventContext, Operation, Projection, Row, add, put
from engine.core import registry
from engine.core.parking import Ask, Note, notes_in
from handlers.orders import OrderCreated, OrderItemAdded, OrderShipped
from tests.eventually import eventually
from tests.runtime.meddling import Death
from tests.runtime.reading import PARTITION, Reading, Rows, plain
from tests.runtime.stage import aggregates
from tests.shop import NO_FULFILMENT

EVENTS = 6
ONE, TWO = aggregates("order", PARTITION, 2)
OF_ONE, OF_TWO = (1, 2, 4, 5), (3, 6)


class Tally(Row):
    """How often events of an order came, and which was the last."""

    item_count: int = 0
    total_amount: Decimal = Decimal(0)


class Bugs:
    """A projection that raises at some positions, and counts how often it was tried there."""

    def __init__(self, *positions: int, shared: bool = False) -> None:
        self.at, self.shared = set(positions), shared
        self.tries = 0
        self.touches: dict[int, str] = {}
        """At some positions, a further row."""
        self.projection = Projection(
            name="buggy", row=Tally, on=[self._created, self._added, self._shipped]
        )

    def _created(self, _event: OrderCreated, context: EventContext) -> Iterator[Operation]:
        yield from self._any(context)

    def _added(self, _event: OrderItemAdded, context: EventContext) -> Iterator[Operation]:
        yield from self._any(context)

    def _shipped(self, _event: OrderShipped, context: EventContext) -> Iterator[Operation]:
        yield from self._any(context)

    def _any(self, context: EventContext) -> Iterator[Operation]:
        if context.position in self.at:
            self.tries += 1
            raise RuntimeError(f"a bug at {context.position}")
        yield put(context.aggregate, item_count=context.position)
        if context.position in self.touches:
            yield put(self.touches[context.position], item_count=1)
        yield add("all" if self.shared else context.aggregate, total_amount=Decimal(1))

    def row(self, *positions: int) -> dict[str, str]:
        """The row of an order that has taken these events."""
        return {"item_count": str(max(positions)), "total_amount": str(len(positions))}


class Play:
    """Who reads what, and what is parked by that."""

    def __init__(self, r: Reading, bugs: Bugs) -> None:
        self.r, self.bugs = r, bugs
        r.stage.domain = registry.build(
            handlers.deciders, projections=[bugs.projection], services=NO_FULFILMENT
        )

    async def read(self) -> Rows:
        return plain(await self.r.read(1, projection=self.bugs.projection))

    async def die_once(self) -> None:
        """One worker's life."""
        with pytest.raises(Death):
            await (await self.r.projector(1, projection=self.bugs.projection)).serve(
                await self.r.acquire(1, self.bugs.projection)
            )

    @property
    def position(self) -> int:
        return self.r.position(1, self.bugs.projection)

    @property
    def rows(self) -> Rows:
        return plain(self.r.rows(1, self.bugs.projection))

    @property
    def fields(self) -> dict[str, str]:
        key = self.r.stage.keys.parked(PARTITION, "buggy", 1)
        return dict(self.r.stage.server.data.hash(key))

    @property
    def parked(self) -> dict[str, Note]:
        return notes_in(self.fields)

    async def ask(self, verb: str, aggregate: str = ONE, id: str = "ask-1") -> None:
        ask = Ask(verb, aggregate, id)
        assert await self.r.session.parked.ask("buggy", 1, PARTITION, ask)

    async def answered(self, verb: str, id: str = "ask-1") -> None:
        """Ask, and have a worker at it until there is an answer."""
        await self.ask(verb, id=id)
        async with self.r.projecting(1, projection=self.bugs.projection):
            await eventually(
                lambda: ONE not in self.parked or self.parked[ONE].answered == id,
                "the request is answered",
            )
