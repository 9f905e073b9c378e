"""The read model ``customers`` and its query."""

from decimal import Decimal

import pytest

from engine import NotFound
from engine.testing import Happened, ReadModels
from handlers.customers import CustomerRegistered, CustomerRenamed
from handlers.orders import OrderCancelled, OrderCreated, OrderItemAdded
from handlers.values import Address, OrderItem
from projections.customers import CustomerRow, GetCustomer, customers, get_customer

REIMS = Address("1 Main", "Reims", "FR", "51100")
TEA = OrderItem("p-1", 2, Decimal("12.50"))
CUPS = OrderItem("p-2", 3, Decimal("4.10"))

ADA = Happened("customer-c-1", CustomerRegistered("Ada"))
ORDER_1 = Happened("order-1", OrderCreated("c-1", (TEA, CUPS), REIMS))
ORDER_2 = Happened("order-2", OrderCreated("c-1", (TEA,), REIMS))
ORDER_3 = Happened("order-3", OrderCreated("c-2", (CUPS,), REIMS))


def rows_after(*history: Happened) -> dict[str, CustomerRow]:
    """All customers after a history."""
    return ReadModels(customers).after(*history).rows(customers)


def test_a_registered_customer_has_a_name_and_no_orders() -> None:
    row = CustomerRow(id="customer-c-1", name="Ada", order_count=0, order_amount=Decimal(0))
    assert rows_after(ADA) == {"customer-c-1": row}


def test_a_renamed_customer_has_the_last_name() -> None:
    rows = rows_after(ADA, Happened("customer-c-1", CustomerRenamed("Ada L.")))
    assert rows["customer-c-1"].name == "Ada L."


def test_orders_are_counted_and_added_up_for_their_customer() -> None:
    rows = rows_after(ADA, ORDER_1, ORDER_2, ORDER_3)
    assert rows == {
        "customer-c-1": CustomerRow(
            id="customer-c-1", name="Ada", order_count=2, order_amount=Decimal("62.30")
        ),
        "customer-c-2": CustomerRow(
            id="customer-c-2", name=None, order_count=1, order_amount=Decimal("12.30")
        ),
    }


def test_an_added_item_adds_to_the_amount_alone() -> None:
    added = Happened("order-1", OrderItemAdded("c-1", CUPS))
    row = rows_after(ORDER_1, added)["customer-c-1"]
    assert (row.order_count, str(row.order_amount)) == (1, "49.60")


def test_a_cancelled_order_still_counts() -> None:
    cancelled = Happened("order-1", OrderCancelled("changed my mind"))
    row = rows_after(ORDER_1, cancelled)["customer-c-1"]
    assert (row.order_count, str(row.order_amount)) == (1, "37.30")


def test_it_does_not_matter_which_comes_first() -> None:
    history = [ADA, ORDER_1, ORDER_2]
    assert rows_after(*history) == rows_after(*reversed(history))


def test_a_customer_is_found_by_the_id_that_orders_use() -> None:
    shop = ReadModels(customers).after(ADA, ORDER_1)
    found = shop.ask(get_customer, GetCustomer(customer_id="c-1"))
    assert (found.id, found.name, found.order_count) == ("customer-c-1", "Ada", 1)


def test_a_customer_of_whom_nothing_is_known_is_not_found() -> None:
    with pytest.raises(NotFound, match="customer-c-9"):
        ReadModels(customers).after(ADA).ask(get_customer, GetCustomer(customer_id="c-9"))
