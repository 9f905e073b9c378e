"""The read model ``stock``: what there is of each product that is stock-kept.

A row is written by its product's events alone. A product that was never stocked has none.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from pydantic import Field

from engine import EventContext, Operation, Projection, Query, Row, Views, add
from handlers.orders import ITEMS_LIMIT
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


ProductId = Annotated[str, Field(min_length=1, max_length=100)]


class GetStock(Query[StockView]):
    """What there is of one product, by the id that orders use, such as ``p-1``."""

    product_id: ProductId


class StockList(msgspec.Struct, frozen=True):
    """Those of some products that are stock-kept."""

    products: tuple[StockView, ...]


class GetStockList(Query[StockList]):
    """What there is of several products at once."""

    product_ids: tuple[ProductId, ...] = Field(max_length=ITEMS_LIMIT)


async def get_stock(query: GetStock, views: Views) -> StockView:
    """Raises `NotFound` for a product that was never stocked."""
    return _shown(await views.get(stock, f"product-{query.product_id}"))


async def get_stock_list(query: GetStockList, views: Views) -> StockList:
    """A product that was never stocked is left out."""
    rows = await views.find(stock, [f"product-{each}" for each in query.product_ids])
    return StockList(tuple(_shown(row) for row in rows if row is not None))


def _shown(row: StockRow) -> StockView:
    total = row.stocked - row.shipped
    return StockView(
        id=row.id,
        stocked=row.stocked,
        shipped=row.shipped,
        total=total,
        reserved=row.reserved,
        left=total - row.reserved,
    )
