"""The read model ``orders``: one row per order, named by the order's id.

A row is written by its order's events alone. What belongs to another aggregate, the
customer's name, is joined when a query asks for it: a copy would race with its original.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from pydantic import Field

from engine import (
    EventContext,
    Index,
    Operation,
    Page,
    Projection,
    Query,
    Row,
    Views,
    add,
    put,
)
from handlers.orders import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderItemAdded,
    OrderShipped,
    OrderStatus,
)
from projections import customers


class OrderRow(Row):
    """An order; ``item_count`` counts its items, that is its lines, not their units."""

    id: str
    customer_id: str
    status: OrderStatus
    total_amount: Decimal
    item_count: int
    created_at: datetime


def on_created(event: OrderCreated, context: EventContext) -> Iterator[Operation]:
    """The row begins; it was created when the command says so, not when it is written."""
    yield put(
        context.aggregate,
        id=context.aggregate,
        customer_id=event.customer_id,
        status=OrderStatus.CREATED,
        total_amount=event.total_amount,
        item_count=len(event.items),
        created_at=context.time,
    )


def on_item_added(event: OrderItemAdded, context: EventContext) -> Iterator[Operation]:
    """One item more."""
    yield add(context.aggregate, total_amount=event.item.amount, item_count=1)


def on_confirmed(_event: OrderConfirmed, context: EventContext) -> Iterator[Operation]:
    """All that was ordered is reserved."""
    yield put(context.aggregate, status=OrderStatus.CONFIRMED)


def on_shipped(_event: OrderShipped, context: EventContext) -> Iterator[Operation]:
    """The order left the house."""
    yield put(context.aggregate, status=OrderStatus.SHIPPED)


def on_cancelled(_event: OrderCancelled, context: EventContext) -> Iterator[Operation]:
    """A cancelled order stays in the lists, with its amount."""
    yield put(context.aggregate, status=OrderStatus.CANCELLED)


orders = Projection(
    name="orders",
    row=OrderRow,
    on=[on_created, on_item_added, on_confirmed, on_shipped, on_cancelled],
    indexes=[
        Index("by_customer", ("customer_id",), order="created_at"),
        Index("by_customer_and_status", ("customer_id", "status"), order="created_at"),
    ],
)


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is shown; ``customer_name`` is None until the customer is registered."""

    id: str
    customer_id: str
    customer_name: str | None
    status: OrderStatus
    total_amount: Decimal
    item_count: int
    created_at: datetime


class GetOrderById(Query[OrderView]):
    """One order, by its id, such as ``order-42``."""

    order_id: str = Field(min_length=1, max_length=200)


class GetOrdersByCustomer(Query[Page[OrderView]]):
    """A customer's orders, the newest first, of one status or of all.

    They come page by page: by number, or by the ``cursor`` that the page before has as ``next``.
    """

    customer_id: str = Field(min_length=1, max_length=100)
    status: OrderStatus | None = None
    page: int | None = Field(default=None, ge=1, le=100_000)
    cursor: str | None = None
    page_size: int = Field(default=20, ge=1, le=100)


async def get_order_by_id(query: GetOrderById, views: Views) -> OrderView:
    """Raises `NotFound` for an order that was never created."""
    order = await views.get(orders, query.order_id)
    [view] = await _with_names([order], views)
    return view


async def get_orders_by_customer(query: GetOrdersByCustomer, views: Views) -> Page[OrderView]:
    """An unknown customer has no orders, which is no error; page and cursor at once are one."""
    index, group = "by_customer", [query.customer_id]
    if query.status is not None:
        index, group = "by_customer_and_status", [query.customer_id, query.status.value]
    found = await views.page(
        orders, index, *group, page=query.page, cursor=query.cursor, page_size=query.page_size
    )
    return found.showing(await _with_names(found.items, views))


async def _with_names(rows: Sequence[OrderRow], views: Views) -> list[OrderView]:
    ids = sorted({customers.row_id(row.customer_id) for row in rows})
    found = await views.find(customers.customers, ids)
    names = {customer.id: customer.name for customer in found if customer is not None}
    return [
        OrderView(
            **msgspec.structs.asdict(row),
            customer_name=names.get(customers.row_id(row.customer_id)),
        )
        for row in rows
    ]
