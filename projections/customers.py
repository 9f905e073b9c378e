"""The read model ``customers``: each customer's name, and what their orders come to.

A row is named as the customer's aggregate, ``customer-c-1``. The customer's own events
write the name; the events of all their orders add to the sums. So a row may begin with an
order, of a customer who is not registered yet, and a name may stand there without orders.
"""

from collections.abc import Iterator
from decimal import Decimal

from pydantic import Field

from engine import EventContext, Operation, Projection, Query, Row, Views, add, put
from handlers.customers import CustomerEvent
from handlers.orders import OrderCreated, OrderItemAdded


class CustomerRow(Row):
    """A customer; ``name`` is None until it is known.

    ``order_amount`` is the amount of all orders, whatever became of them.
    """

    id: str
    name: str | None = None
    order_count: int = 0
    order_amount: Decimal = Decimal("0.00")


def row_id(customer_id: str) -> str:
    """The row of the customer whom orders call ``customer_id``."""
    return f"customer-{customer_id}"


def on_named(event: CustomerEvent, context: EventContext) -> Iterator[Operation]:
    """Registered or renamed: the name is the last one."""
    yield put(context.aggregate, name=event.name)


def on_order_created(event: OrderCreated) -> Iterator[Operation]:
    """One order more."""
    yield add(row_id(event.customer_id), order_count=1, order_amount=event.total_amount)


def on_item_added(event: OrderItemAdded) -> Iterator[Operation]:
    """The same orders, a greater amount."""
    yield add(row_id(event.customer_id), order_amount=event.item.amount)


customers = Projection(
    name="customers",
    row=CustomerRow,
    on=[on_named, on_order_created, on_item_added],
)


class GetCustomer(Query[CustomerRow]):
    """One customer, by the id that orders use, such as ``c-1``."""

    customer_id: str = Field(min_length=1, max_length=100)


async def get_customer(query: GetCustomer, views: Views) -> CustomerRow:
    """Raises `NotFound` for whom neither a registration nor an order is known."""
    return await views.get(customers, row_id(query.customer_id))
