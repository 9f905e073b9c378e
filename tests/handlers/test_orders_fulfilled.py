"""The rules of orders where fulfilment is on: a look at the stock, and a confirmation."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from engine import Event, testing
from engine.testing import Happened, ReadModels
from handlers.inventory import FulfilmentSettings, Inventory
from handlers.orders import (
    CancelOrder,
    ConfirmOrder,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderShipped,
    OrderStatus,
    ShipOrder,
    decider,
)
from handlers.products import ProductStocked, StockReserved
from projections.stock import get_stock_list, stock
from tests.handlers.test_orders import ADD, CREATE, CREATED, CUPS, REIMS, TEA

BEGUN = OrderCreated("c-1", (TEA, CUPS), REIMS, is_fulfilled=True)
CONFIRMED = OrderConfirmed()
ENDED = [OrderShipped(is_fulfilled=True), OrderCancelled("no", is_fulfilled=True)]


def services(*history: Happened) -> Sequence[Any]:
    """What the deciders are handed, where this has happened to products."""
    shown = ReadModels(stock, queries=[get_stock_list]).after(*history)
    return FulfilmentSettings(enabled=True), Inventory(shown.queries)


given = partial(testing.given, services=services())


def stocked(product: str, quantity: int) -> Happened:
    return Happened(f"product-{product}", ProductStocked(quantity))


@pytest.mark.parametrize("history", [[], [stocked("p-1", 2), stocked("p-2", 3)]])
def test_an_order_is_taken_where_there_is_enough_or_nothing_shown(history: list[Happened]) -> None:
    testing.given(decider, services=services(*history)).when(CREATE).then(BEGUN)


def test_an_order_of_what_is_plainly_not_there_is_rejected_at_once() -> None:
    held = Happened("product-p-2", StockReserved("order-2", 1))
    shut = services(stocked("p-1", 9), stocked("p-2", 3), held)
    no = testing.given(decider, services=shut).when(CREATE).then_rejected("insufficient_inventory")
    assert no.message == "2 of p-2 are left, 3 were asked for"


def test_items_of_the_same_product_are_wanted_together() -> None:
    twice = CREATE.model_copy(update={"items": (TEA, TEA)})
    shut = services(stocked("p-1", 3))
    testing.given(decider, services=shut).when(twice).then_rejected("insufficient_inventory")


def test_what_is_wrong_with_an_order_comes_before_its_stock() -> None:
    shut = services(stocked("p-1", 1))
    testing.given(decider, BEGUN, services=shut).when(CREATE).then_rejected("order_exists")


def test_a_fulfilled_order_is_confirmed_once() -> None:
    confirmed = given(decider, BEGUN).when(ConfirmOrder()).then(CONFIRMED)
    assert confirmed.state.status is OrderStatus.CONFIRMED
    given(decider, BEGUN, CONFIRMED).when(ConfirmOrder()).then()
    given(decider, CREATED).when(ConfirmOrder()).then_rejected("order_not_fulfilled")
    given(decider).when(ConfirmOrder()).then_rejected("order_unknown")
    for end, code in zip(ENDED, ("order_shipped", "order_cancelled"), strict=True):
        given(decider, BEGUN, end).when(ConfirmOrder()).then_rejected(code)


@pytest.mark.parametrize("since", [[], [CONFIRMED]])
def test_it_says_at_its_end_that_it_is_fulfilled(since: list[Event]) -> None:
    given(decider, BEGUN, *since).when(ShipOrder()).then(ENDED[0])
    given(decider, BEGUN, *since).when(CancelOrder(reason="no")).then(ENDED[1])


def test_what_is_being_reserved_does_not_grow() -> None:
    given(decider, BEGUN).when(ADD).then_rejected("order_fulfilled")
