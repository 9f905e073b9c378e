"""The shop's read models with planted bugs, about the orders that the environment names."""

import os
from collections.abc import Iterator
from dataclasses import replace

from engine import EventContext, Operation
from handlers.orders import OrderCreated, OrderShipped
from projections import customers as sound_customers
from projections import orders as sound
from projections import queries

__all__ = ["projections", "queries"]


def _meet(context: EventContext, where: str) -> None:
    if context.aggregate in os.environ.get(where, "").split():
        raise KeyError(f"a planted bug about {context.aggregate}")


def on_shipped(event: OrderShipped, context: EventContext) -> Iterator[Operation]:
    """With the bug."""
    _meet(context, "POISON_ORDERS")
    yield from sound.on_shipped(event, context)


def on_order_created(event: OrderCreated, context: EventContext) -> Iterator[Operation]:
    """With the bug."""
    _meet(context, "POISON_CUSTOMERS")
    yield from sound_customers.on_order_created(event)


projections = [
    replace(
        sound.orders, on=[sound.on_created, sound.on_item_added, on_shipped, sound.on_cancelled]
    ),
    replace(
        sound_customers.customers,
        on=[
            each if each is not sound_customers.on_order_created else on_order_created
            for each in sound_customers.customers.on
        ],
    ),
]
