"""A product: what of it is in stock, and what is held for which order.

The product ``p-1`` is the aggregate ``product-p-1``. What is in the house is what was stocked
less what was shipped; what is held for orders is in the house still. Whoever reserves holds
all of it or none, and there is never less than nothing left.

A product that was never stocked is not stock-kept: there is always enough of it, so holding it
for an order succeeds, and holds nothing.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec
from pydantic import Field

from engine import Command, Decider, Event, Rejected
from handlers.values import Amount, AmountOrNone

ORDER_ID_LIMIT = 180
OrderId = Annotated[str, Field(max_length=ORDER_ID_LIMIT, pattern=r"^order-[!-.0-z|~]+$")]
"""An order's id, of characters that every id may have, and with room for what is made of it."""


class InsufficientInventory(Rejected):
    """There is not as much left as was asked for; it says how many are."""

    def __init__(self, left: int, wanted: int, product: str = "this product") -> None:
        message = f"{left} of {product} are left, {wanted} were asked for"
        super().__init__("insufficient_inventory", message)
        self.left = left


# -- Commands ---------------------------------------------------------------------------


class StockProduct(Command):
    """Put some more into stock; from then on, be it of none, the product is stock-kept."""

    quantity: AmountOrNone


class ReserveStock(Command):
    """Hold some for an order, once, all or none."""

    order_id: OrderId
    quantity: Amount


class ReleaseStock(Command):
    """Give back what is held for an order."""

    order_id: OrderId


class ShipStock(Command):
    """Send off what is held for an order."""

    order_id: OrderId


# -- Events -----------------------------------------------------------------------------


class ProductStocked(Event):
    """There are some more."""

    quantity: int


class StockReserved(Event):
    """Some are held for an order; of what is not stock-kept, none."""

    order_id: str
    quantity: int


class StockReleased(Event):
    """What was held for an order is free again."""

    order_id: str
    quantity: int


class StockShipped(Event):
    """What was held for an order has left the house."""

    order_id: str
    quantity: int


ProductEvent: TypeAlias = ProductStocked | StockReserved | StockReleased | StockShipped


class Product(msgspec.Struct, frozen=True):
    """What is left to be reserved, and what is held, by order; ``left`` is None until stocked."""

    left: int | None = None
    held: Mapping[str, int] = {}


# -- Rules ------------------------------------------------------------------------------


def stock(command: StockProduct, _product: Product) -> ProductStocked:
    """What comes is taken in."""
    return ProductStocked(command.quantity)


def reserve(command: ReserveStock, product: Product) -> StockReserved | None:
    """What is there can be held; for the same order again, nothing more is."""
    if command.order_id in product.held:
        return None
    if product.left is None:
        return StockReserved(command.order_id, 0)
    if command.quantity > product.left:
        raise InsufficientInventory(product.left, command.quantity)
    return StockReserved(command.order_id, command.quantity)


def release(command: ReleaseStock, product: Product) -> StockReleased | None:
    """Exactly what is held is given back, and nothing where nothing is."""
    held = product.held.get(command.order_id)
    return None if held is None else StockReleased(command.order_id, held)


def ship(command: ShipStock, product: Product) -> StockShipped | None:
    """Exactly what is held is sent off, and nothing where nothing is."""
    held = product.held.get(command.order_id)
    return None if held is None else StockShipped(command.order_id, held)


def evolve(product: Product, event: ProductEvent) -> Product:
    """The product after an event."""
    left, held = product.left, dict(product.held)
    match event:
        case ProductStocked(quantity):
            return Product((left or 0) + quantity, held)
        case StockReserved(order_id, quantity):
            return Product(None if left is None else left - quantity, held | {order_id: quantity})
        case StockReleased(order_id, quantity):
            held.pop(order_id)
            return Product(None if left is None else left + quantity, held)
        case StockShipped(order_id):
            held.pop(order_id)
            return Product(left, held)


decider = Decider(
    kind="product",
    initial=Product(),
    decide=[stock, reserve, release, ship],
    evolve=evolve,
)
