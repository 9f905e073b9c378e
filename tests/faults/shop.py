"""The shop, where some orders are fulfilled and others are not: as their customers' names say.

The others are changed while they are open, which a fulfilled order cannot be. Nobody is told at
once that too little is left: the products must say so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

from msgspec import structs

import handlers
from engine import Decider
from handlers import orders
from handlers.inventory import FulfilmentSettings, Inventory
from handlers.orders import CreateOrder, Order

__all__ = ["deciders", "routers", "services"]

FULFILLED = "f-"
"""How the names of customers begin whose orders are fulfilled."""

CONFIRM_SECONDS = 2.0
"""Enough without faults, and not enough for some of them."""


class _Blind(Inventory):
    """Shows nothing: it may not be stock-kept."""

    def __init__(self) -> None:
        """There is nothing to ask."""

    async def left(self, _product_ids: Iterable[str]) -> Mapping[str, int]:
        return {}


def _for_some(create: Callable[..., Any]) -> Callable[..., Any]:
    """The same rule, with fulfilment on for some."""

    @wraps(create)
    def created(
        command: CreateOrder, order: Order, fulfilment: FulfilmentSettings, **_others: Any
    ) -> Any:
        is_fulfilled = command.customer_id.startswith(FULFILLED)
        return create(command, order, structs.replace(fulfilment, enabled=is_fulfilled), _Blind())

    return created


def _of_the_shop(decider: Decider[Any]) -> Decider[Any]:
    rules = [_for_some(rule) if rule is orders.create else rule for rule in decider.decide]
    return replace(decider, decide=rules)


deciders = [_of_the_shop(decider) for decider in handlers.deciders]
routers = handlers.routers
services = handlers.services
