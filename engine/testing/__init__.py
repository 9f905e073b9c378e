"""Testing a domain with no server: rules, routers, read models, and a whole engine in memory.

::

    given(decider, OrderCreated(…)).when(ShipOrder()).then(OrderShipped())
    given(decider).when(ShipOrder()).then_rejected("order_unknown")
    given(decider).when(Place()).then(Placed(), set_timer("payment", Expire(), after=FORTNIGHT))
    given_router(fulfilment).on(Placed(), aggregate="order-1").then_sends(send("stock-1", Take()))

    given(decider, recorded(OrderCreated, 1, {…}, upcasters)).when(…)  # what version 1 stored

    shop = ReadModels(orders, customers).after(
        Happened("customer-c-1", CustomerRegistered("Ada")),
        Happened("order-1", OrderCreated(…)),
    )
    assert shop.rows(orders)["order-1"].item_count == 2
    assert shop.group(orders, "by_customer", "c-1") == ["order-1"]
    assert shop.ask(get_order_by_id, GetOrderById(order_id="order-1")).customer_name == "Ada"

    async with engine(handlers, projections) as semel:
        outcome = await semel.submit(ShipOrder(), aggregate="order-1")
        await semel.settled()

Everything is encoded and decoded on its way, as it is in Redis, and rows and indexes are those
of the store in memory: what holds here holds there. Only the whole engine needs ``async``.
"""

from engine.core.upcasting import recorded
from engine.testing.clock import WoundClock
from engine.testing.deciding import NOON, Decided, Given, given
from engine.testing.reading import Happened, ReadModels
from engine.testing.routing import GivenRouter, Routed, given_router
from engine.testing.whole import Semel, engine

__all__ = [
    "NOON",
    "Decided",
    "Given",
    "GivenRouter",
    "Happened",
    "ReadModels",
    "Routed",
    "Semel",
    "WoundClock",
    "engine",
    "given",
    "given_router",
    "recorded",
]
