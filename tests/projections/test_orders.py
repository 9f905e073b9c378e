"""The read model ``orders`` and its queries."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from engine import Event, NotFound, SemelError
from engine.testing import Happened, ReadModels
from handlers.customers import CustomerRegistered, CustomerRenamed
from handlers.orders import (
    OrderCancelled,
    OrderCreated,
    OrderItemAdded,
    OrderShipped,
    OrderStatus,
    ShippingAddressUpdated,
)
from handlers.values import Address, OrderItem
from projections.customers import customers
from projections.orders import (
    GetOrderById,
    GetOrdersByCustomer,
    OrderRow,
    OrderView,
    get_order_by_id,
    get_orders_by_customer,
    orders,
)

REIMS = Address("1 Main", "Reims", "FR", "51100")
TEA = OrderItem("p-1", 2, Decimal("12.50"))
CUPS = OrderItem("p-2", 3, Decimal("4.10"))
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

CREATED = Happened("order-1", OrderCreated("c-1", (TEA, CUPS), REIMS), NOON)
ADA = Happened("customer-c-1", CustomerRegistered("Ada"))


def shop_after(*history: Happened) -> ReadModels:
    """Both read models after a history."""
    return ReadModels(orders, customers).after(*history)


def later(event: Event) -> Happened:
    """Something that happens to order-1 after it was created."""
    return Happened("order-1", event)


def row_after(*since: Event) -> OrderRow:
    """The row of order-1 after its creation and these events."""
    return shop_after(CREATED, *map(later, since)).rows(orders)["order-1"]


# -- Rows -------------------------------------------------------------------------------


def test_a_created_order_has_a_row() -> None:
    assert row_after() == OrderRow(
        id="order-1",
        customer_id="c-1",
        status=OrderStatus.CREATED,
        total_amount=Decimal("37.30"),
        item_count=2,
        created_at=NOON,
    )


def test_an_added_item_counts_once_whatever_its_quantity() -> None:
    row = row_after(OrderItemAdded("c-1", CUPS), OrderItemAdded("c-1", CUPS))
    assert (row.item_count, str(row.total_amount)) == (4, "61.90")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (OrderShipped(), OrderStatus.SHIPPED),
        (OrderCancelled("changed my mind"), OrderStatus.CANCELLED),
    ],
)
def test_the_end_of_an_order_changes_its_status_alone(end: Event, status: OrderStatus) -> None:
    before, after = row_after(), row_after(end)
    assert after.status is status
    assert (after.total_amount, after.item_count) == (before.total_amount, before.item_count)
    assert after.created_at == NOON


def test_an_address_is_not_part_of_the_row() -> None:
    assert row_after(ShippingAddressUpdated(REIMS)) == row_after()


def test_customers_do_not_write_orders() -> None:
    assert shop_after(ADA).rows(orders) == {}


def test_an_order_stands_in_the_list_of_its_customer_and_in_that_of_its_status() -> None:
    shop = shop_after(CREATED, later(OrderShipped()))
    assert shop.group(orders, "by_customer", "c-1") == ["order-1"]
    assert shop.group(orders, "by_customer_and_status", "c-1", "shipped") == ["order-1"]
    assert shop.group(orders, "by_customer_and_status", "c-1", "created") == []


# -- Queries ----------------------------------------------------------------------------


def test_an_order_is_shown_with_its_customers_name() -> None:
    view = shop_after(ADA, CREATED).ask(get_order_by_id, GetOrderById(order_id="order-1"))
    assert view == OrderView(
        id="order-1",
        customer_id="c-1",
        customer_name="Ada",
        status=OrderStatus.CREATED,
        total_amount=Decimal("37.30"),
        item_count=2,
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("since", "name"),
    [
        ([], None),
        ([CustomerRegistered("Ada")], "Ada"),
        ([CustomerRegistered("Ada"), CustomerRenamed("Ada L.")], "Ada L."),
    ],
    ids=["unregistered", "registered", "renamed"],
)
def test_the_name_is_the_customers_name_now(since: list[Event], name: str | None) -> None:
    shop = shop_after(CREATED, *(Happened("customer-c-1", event) for event in since))
    order = shop.ask(get_order_by_id, GetOrderById(order_id="order-1"))
    assert order.customer_name == name


def test_an_order_that_was_never_created_is_not_found() -> None:
    with pytest.raises(NotFound, match="order-9"):
        shop_after(CREATED).ask(get_order_by_id, GetOrderById(order_id="order-9"))


HISTORY = [
    ADA,
    *(Happened(f"order-{n}", OrderCreated("c-1", (TEA,), REIMS)) for n in range(1, 6)),
    Happened("order-6", OrderCreated("c-2", (TEA,), REIMS)),
    Happened("order-2", OrderShipped()),
    Happened("order-4", OrderShipped()),
    Happened("order-5", OrderCancelled("changed my mind")),
]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, ["order-5", "order-4", "order-3", "order-2", "order-1"]),
        ("created", ["order-3", "order-1"]),
        ("shipped", ["order-4", "order-2"]),
        ("cancelled", ["order-5"]),
    ],
)
def test_a_customers_orders_newest_first(status: OrderStatus | None, expected: list[str]) -> None:
    query = GetOrdersByCustomer(customer_id="c-1", status=status)
    page = shop_after(*HISTORY).ask(get_orders_by_customer, query)
    assert [order.id for order in page.items] == expected
    assert {order.customer_name for order in page.items} == {"Ada"}
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, ["order-5", "order-4"]), (2, ["order-3", "order-2"]), (3, ["order-1"]), (4, [])],
)
def test_a_list_comes_in_pages(number: int, expected: list[str]) -> None:
    query = GetOrdersByCustomer(customer_id="c-1", page=number, page_size=2)
    page = shop_after(*HISTORY).ask(get_orders_by_customer, query)
    assert [order.id for order in page.items] == expected
    assert (page.page, page.page_size, page.total) == (number, 2, 5)


def test_a_list_goes_on_behind_a_cursor_whatever_has_come_meanwhile() -> None:
    shop = shop_after(*HISTORY)
    query = GetOrdersByCustomer(customer_id="c-1", page_size=2)
    first = shop.ask(get_orders_by_customer, query)
    shop.after(Happened("order-7", OrderCreated("c-1", (TEA,), REIMS)))
    query = query.model_copy(update={"cursor": first.next})
    second = shop.ask(get_orders_by_customer, query)
    assert [order.id for order in second.items] == ["order-3", "order-2"]
    assert {order.customer_name for order in second.items} == {"Ada"}
    assert (second.page, second.total) == (None, 6)
    last = shop.ask(get_orders_by_customer, query.model_copy(update={"cursor": second.next}))
    assert ([order.id for order in last.items], last.next) == (["order-1"], None)
    with pytest.raises(SemelError, match="page and cursor both say"):
        shop.ask(get_orders_by_customer, query.model_copy(update={"page": 2}))


def test_an_unknown_customer_has_no_orders() -> None:
    query = GetOrdersByCustomer(customer_id="c-9")
    page = shop_after(*HISTORY).ask(get_orders_by_customer, query)
    assert (page.items, page.total) == ([], 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_id", ""),
        ("status", "lost"),
        ("page", 0),
        ("page", 100_001),
        ("page_size", 0),
        ("page_size", 101),
        ("colour", "red"),
    ],
)
def test_a_query_is_validated(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        GetOrdersByCustomer.model_validate({"customer_id": "c-1", field: value})
    assert [fault["loc"] for fault in caught.value.errors()] == [(field,)]
