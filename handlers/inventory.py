"""What deciders are handed: whether orders are fulfilled here, and what stock the read side shows.

::

    [services.fulfilment]
    enabled = true
    confirm_seconds = 300
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Annotated

import msgspec

from engine import Queries, ServiceContext


class FulfilmentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether new orders are fulfilled, and how long one may take to be confirmed.

    Off unless it is turned on: an order is then created, and shipped by hand, with no regard to
    stock. Each order remembers how it began.
    """

    enabled: bool = False
    confirm_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300


class Inventory:
    """How much is left, as the `stock` view shows it: a courtesy, the truth is the product's."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def left(self, product_ids: Iterable[str]) -> Mapping[str, int]:
        """How many of each can be reserved; nothing is shown of what is not stock-kept."""
        found = await self._queries.ask_named("GetStockList", product_ids=tuple(product_ids))
        return {stock.id.removeprefix("product-"): stock.left for stock in found.products}


async def fulfilment(context: ServiceContext) -> AsyncIterator[FulfilmentSettings]:
    """Read once, when a process starts; what is misspelt ends the start."""
    yield msgspec.convert(dict(context.settings), FulfilmentSettings)


async def inventory(context: ServiceContext) -> AsyncIterator[Inventory]:
    """Asks when it is asked; there is nothing to open."""
    yield Inventory(context.queries)
