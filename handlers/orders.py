"""An order: created with its items, changed while it is open, then shipped or cancelled.

An order's id is its aggregate id, such as ``order-42``. A shipped order cannot be
cancelled, an empty one cannot be created, and nothing happens to a cancelled one.

Where fulfilment is on (`handlers.fulfilment`), an order is confirmed once all of its items are
reserved. It remembers in its events that it is fulfilled: others learn of its end by them.
"""

from collections import Counter
from collections.abc import Coroutine, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import msgspec
from pydantic import Field

from engine import Command, Decider, Event, Rejected
from handlers.inventory import FulfilmentSettings, Inventory
from handlers.products import InsufficientInventory
from handlers.values import Address, Key, Money, OrderItem, Quantity, Text

ITEMS_LIMIT = 100
"""Items in one order: with the limits of money and quantities, an amount stays
far below the 15 digits that a read model can add up."""


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


class ConfirmOrder(Command):
    """Say that all of a fulfilled order's items are reserved."""


class ShipOrder(Command):
    """Hand an open order to the carrier."""


class CancelOrder(Command):
    """Give an open order up."""

    reason: Text


# -- Events: kept for ever, so what they hold may grow, with defaults, but never shrink --


class OrderCreated(Event, omit_defaults=True):
    """A customer ordered some items."""

    customer_id: str
    items: tuple[OrderItem, ...]
    shipping_address: Address
    is_fulfilled: bool = False

    @property
    def total_amount(self) -> Decimal:
        """What all items cost together."""
        return sum((item.amount for item in self.items), start=Decimal("0.00"))

    @property
    def quantities(self) -> Mapping[str, int]:
        """How many units of each product, over all items."""
        units = Counter[str]()
        for item in self.items:
            units[item.product_id] += item.quantity
        return units


class OrderItemAdded(Event):
    """The order has one more item; the customer is named for those who add up amounts."""

    customer_id: str
    item: OrderItem


class ShippingAddressUpdated(Event):
    """The order goes to another address."""

    shipping_address: Address


class OrderConfirmed(Event):
    """All of a fulfilled order's items are reserved."""


class OrderShipped(Event, omit_defaults=True):
    """The order left the house."""

    is_fulfilled: bool = False


class OrderCancelled(Event, omit_defaults=True):
    """The order was given up."""

    reason: str
    is_fulfilled: bool = False


OrderEvent: TypeAlias = (
    OrderCreated | OrderItemAdded | ShippingAddressUpdated
    | OrderConfirmed | OrderShipped | OrderCancelled
)  # fmt: skip


# -- State: no more than the rules ask for ----------------------------------------------


class OrderStatus(StrEnum):
    """How far an order has come; a created or a confirmed one is open."""

    CREATED = "created"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Order(msgspec.Struct, frozen=True):
    """An order as the rules see it; without a status it does not exist yet."""

    status: OrderStatus | None = None
    customer_id: str = ""
    item_count: int = 0
    shipping_address: Address | None = None
    is_fulfilled: bool = False


# -- Rules: one function per command ----------------------------------------------------


def create(
    command: CreateOrder, order: Order, fulfilment: FulfilmentSettings, inventory: Inventory
) -> OrderCreated | Coroutine[Any, Any, OrderCreated]:
    """An order is created once, and never empty; one to be fulfilled waits for a look at stock."""
    if order.status is not None:
        raise Rejected("order_exists", "there is an order with this id already")
    if not command.items:
        raise Rejected("order_empty", "an order needs at least one item")
    about = command.customer_id, command.items, command.shipping_address
    created = OrderCreated(*about, fulfilment.enabled)
    return _if_in_stock(created, inventory) if fulfilment.enabled else created


async def _if_in_stock(created: OrderCreated, inventory: Inventory) -> OrderCreated:
    """Say at once what is plainly out of stock: a courtesy, since what is shown lags behind."""
    left = await inventory.left(created.quantities)
    for product_id, quantity in created.quantities.items():
        if left.get(product_id, quantity) < quantity:
            raise InsufficientInventory(left[product_id], quantity, product_id)
    return created


def add_item(command: AddOrderItem, order: Order) -> OrderItemAdded:
    """An open order takes items up to a limit, unless they are being reserved.

    The same product again is an item of its own.
    """
    _must_be_open(order)
    if order.is_fulfilled:
        raise Rejected("order_fulfilled", "what was ordered is being reserved: order more anew")
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


def confirm(_command: ConfirmOrder, order: Order) -> OrderConfirmed | None:
    """An open order can be confirmed, where it is fulfilled; once more, nothing happens."""
    _must_be_open(order)
    if not order.is_fulfilled:
        raise Rejected("order_not_fulfilled", "nobody reserves anything for this order")
    return OrderConfirmed() if order.status is OrderStatus.CREATED else None


def ship(_command: ShipOrder, order: Order) -> OrderShipped:
    """An open order can be shipped, confirmed or not."""
    _must_be_open(order)
    return OrderShipped(order.is_fulfilled)


def cancel(command: CancelOrder, order: Order) -> OrderCancelled:
    """An open order can be cancelled."""
    _must_be_open(order)
    return OrderCancelled(command.reason, order.is_fulfilled)


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
        case OrderCreated(customer_id, items, address, is_fulfilled):
            return Order(OrderStatus.CREATED, customer_id, len(items), address, is_fulfilled)
        case OrderItemAdded():
            return msgspec.structs.replace(order, item_count=order.item_count + 1)
        case ShippingAddressUpdated(shipping_address):
            return msgspec.structs.replace(order, shipping_address=shipping_address)
        case OrderConfirmed():
            return msgspec.structs.replace(order, status=OrderStatus.CONFIRMED)
        case OrderShipped():
            return msgspec.structs.replace(order, status=OrderStatus.SHIPPED)
        case OrderCancelled():
            return msgspec.structs.replace(order, status=OrderStatus.CANCELLED)


decider = Decider(
    kind="order",
    initial=Order(),
    decide=[create, add_item, update_address, confirm, ship, cancel],
    evolve=evolve,
)
