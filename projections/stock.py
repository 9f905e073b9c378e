"""The read model ``stock``: what there is of each product that is stock-kept.

A row is written by its product's events alone. A product that was never stocked has none.
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from engine import EventContext, Operation, Projection, Query, Row, Views, add
from handlers.products import ProductStocked, StockReleased, StockReserved, StockShipped


class StockRow(Row):
    """A product's sums: all that ever came, all that ever went, and what is held for orders."""

    id: str
    stocked: int = 0
    shipped: int = 0
    reserved: int = 0


def on_stocked(event: ProductStocked, context: EventContext) -> Iterator[Operation]:
    """Some came."""
    yield add(context.aggregate, stocked=event.quantity)


def on_reserved(event: StockReserved, context: EventContext) -> Iterator[Operation]:
    """Some are held; none of what is not stock-kept, and then there is nothing to show."""
    if event.quantity:
        yield add(context.aggregate, reserved=event.quantity)


def on_released(event: StockReleased, context: EventContext) -> Iterator[Operation]:
    """As many are free again."""
    if event.quantity:
        yield add(context.aggregate, reserved=-event.quantity)


def on_shipped(event: StockShipped, context: EventContext) -> Iterator[Operation]:
    """As many went."""
    if event.quantity:
        yield add(context.aggregate, reserved=-event.quantity, shipped=event.quantity)


stock = Projection(
    name="stock",
    row=StockRow,
    on=[on_stocked, on_reserved, on_released, on_shipped],
)


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """Stock as it is shown: ``total`` is in the house, and ``left`` of it can be reserved."""

    id: str
    stocked: int
    shipped: int
    total: int
    reserved: int
    left: int


class GetStock(Query[StockView]):
    """What there is of one product, by the id that orders use, such as ``p-1``."""

    product_id: str = Field(min_length=1, max_length=100)


async def get_stock(query: GetStock, views: Views) -> StockView:
    """Raises `NotFound` for a product that was never stocked."""
    row = await views.get(stock, f"product-{query.product_id}")
    total = row.stocked - row.shipped
    return StockView(
        id=row.id,
        stocked=row.stocked,
        shipped=row.shipped,
        total=total,
        reserved=row.reserved,
        left=total - row.reserved,
    )
