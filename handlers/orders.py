"""An order: created with its items, changed while it is open, then shipped or cancelled.

An order's id is its aggregate id, such as ``order-42``. A shipped order cannot be
cancelled, an empty one cannot be created, and nothing happens to a cancelled one.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec
from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, StringConstraints
from pydantic.json_schema import WithJsonSchema

from engine import Command, Decider, Event, Rejected

# -- Values: what the fields of commands may hold ---------------------------------------

ITEMS_LIMIT = 100
"""Items in one order: with the limits below, an amount stays far below the 15 digits that
a read model can add up."""

MONEY_LIMIT = Decimal("99999.99")
CENT = Decimal("0.01")


def _in_cents(value: object) -> Decimal:
    """Read an amount. One function, and no chain of constraints: it runs for every item."""
    if not isinstance(value, (str, Decimal)):
        raise ValueError('money is a string such as "12.50": a float cannot hold every cent')  # noqa: TRY004  pydantic's way
    try:
        amount = Decimal(value)
        cents = amount.quantize(CENT)
        if 0 <= amount <= MONEY_LIMIT and cents == amount:
            return abs(cents)  # for there is a minus zero
    except InvalidOperation:
        pass  # no number, or one that knows no order or no cents
    raise ValueError(f"money has two decimals at the most, from 0 to {MONEY_LIMIT}")


def _must_be_number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a quantity is a whole number such as 2")  # noqa: TRY004  pydantic's way
    return value


_MONEY_SCHEMA = WithJsonSchema({"type": "string", "examples": ["12.50"]})
Money = Annotated[Decimal, PlainValidator(_in_cents), PlainSerializer(str), _MONEY_SCHEMA]
Quantity = Annotated[int, Field(ge=1, le=999), BeforeValidator(_must_be_number)]
Key = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
"""The key of another aggregate: ``c-1`` of ``customer-c-1``, ``p-1`` of ``product-p-1``."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class OrderItem:
    """Some units of one product at one price: one line of an order."""

    product_id: Key
    quantity: Quantity
    unit_price: Money

    @property
    def amount(self) -> Decimal:
        """What these units cost together."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True)
class Address:
    """Where to ship. Some countries have no postal codes, so that one may be empty."""

    street: Text
    city: Text
    country: Text
    postal_code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = ""


# -- Commands ---------------------------------------------------------------------------


class CreateOrder(Command):
    """Order some items."""

    customer_id: Key
    items: Annotated[tuple[OrderItem, ...], Field(max_length=ITEMS_LIMIT)]
    shipping_address: Address


class AddOrderItem(Command):
    """Add one more item to an open order."""

    product_id: Key
    quantity: Quantity
    unit_price: Money


class UpdateShippingAddress(Command):
    """Ship an open order to another address."""

    shipping_address: Address


class ShipOrder(Command):
    """Hand an open order to the carrier."""


class CancelOrder(Command):
    """Give an open order up."""

    reason: Text


# -- Events: kept for ever, so what they hold may grow, with defaults, but never shrink --


class OrderCreated(Event):
    """A customer ordered some items."""

    customer_id: str
    items: tuple[OrderItem, ...]
    shipping_address: Address

    @property
    def total_amount(self) -> Decimal:
        """What all items cost together."""
        return sum((item.amount for item in self.items), start=Decimal("0.00"))


class OrderItemAdded(Event):
    """The order has one more item; the customer is named for those who add up amounts."""

    customer_id: str
    item: OrderItem


class ShippingAddressUpdated(Event):
    """The order goes to another address."""

    shipping_address: Address


class OrderShipped(Event):
    """The order left the house."""


class OrderCancelled(Event):
    """The order was given up."""

    reason: str


OrderEvent: TypeAlias = (
    OrderCreated | OrderItemAdded | ShippingAddressUpdated | OrderShipped | OrderCancelled
)


# -- State: no more than the rules ask for ----------------------------------------------


class OrderStatus(StrEnum):
    """How far an order has come; only a created one is open to change."""

    CREATED = "created"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Order(msgspec.Struct, frozen=True):
    """An order as the rules see it; without a status it does not exist yet."""

    status: OrderStatus | None = None
    customer_id: str = ""
    item_count: int = 0
    shipping_address: Address | None = None


# -- Rules: one function per command ----------------------------------------------------


def create(command: CreateOrder, order: Order) -> OrderCreated:
    """An order is created once, and never empty."""
    if order.status is not None:
        raise Rejected("order_exists", "there is an order with this id already")
    if not command.items:
        raise Rejected("order_empty", "an order needs at least one item")
    return OrderCreated(command.customer_id, command.items, command.shipping_address)


def add_item(command: AddOrderItem, order: Order) -> OrderItemAdded:
    """An open order takes items up to a limit; the same product again is an item of its own."""
    _must_be_open(order)
    if order.item_count >= ITEMS_LIMIT:
        raise Rejected("order_full", f"an order has at most {ITEMS_LIMIT} items")
    item = OrderItem(command.product_id, command.quantity, command.unit_price)
    return OrderItemAdded(order.customer_id, item)


def update_address(command: UpdateShippingAddress, order: Order) -> ShippingAddressUpdated | None:
    """An open order can go elsewhere; to the same address nothing happens."""
    _must_be_open(order)
    if command.shipping_address == order.shipping_address:
        return None
    return ShippingAddressUpdated(command.shipping_address)


def ship(_command: ShipOrder, order: Order) -> OrderShipped:
    """An open order can be shipped."""
    _must_be_open(order)
    return OrderShipped()


def cancel(command: CancelOrder, order: Order) -> OrderCancelled:
    """An open order can be cancelled."""
    _must_be_open(order)
    return OrderCancelled(command.reason)


def _must_be_open(order: Order) -> None:
    match order.status:
        case None:
            raise Rejected("order_unknown", "there is no such order")
        case OrderStatus.SHIPPED:
            raise Rejected("order_shipped", "the order has been shipped, and cannot be changed")
        case OrderStatus.CANCELLED:
            raise Rejected("order_cancelled", "the order has been cancelled")


def evolve(order: Order, event: OrderEvent) -> Order:
    """The order after an event."""
    match event:
        case OrderCreated(customer_id, items, shipping_address):
            return Order(OrderStatus.CREATED, customer_id, len(items), shipping_address)
        case OrderItemAdded():
            return msgspec.structs.replace(order, item_count=order.item_count + 1)
        case ShippingAddressUpdated(shipping_address):
            return msgspec.structs.replace(order, shipping_address=shipping_address)
        case OrderShipped():
            return msgspec.structs.replace(order, status=OrderStatus.SHIPPED)
        case OrderCancelled():
            return msgspec.structs.replace(order, status=OrderStatus.CANCELLED)


decider = Decider(
    kind="order",
    initial=Order(),
    decide=[create, add_item, update_address, ship, cancel],
    evolve=evolve,
)
