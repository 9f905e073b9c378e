"""What a query handler is given: rows, one by one, several at once, or page by page."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from engine.core.projection import AnyRow, Projection

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a longer list; ``page`` counts from 1, ``total`` counts all pages' items."""

    items: list[Item]
    page: int
    page_size: int
    total: int


class Views(Protocol):
    """The rows of every read model, in the generation that is live; nothing can be written."""

    async def get(self, projection: Projection[AnyRow], row_id: str) -> AnyRow:
        """One row; raises `NotFound`, which names the projection and the id."""

    async def find(self, projection: Projection[AnyRow], ids: Sequence[str]) -> list[AnyRow | None]:
        """Several rows in one round trip, in the order of ``ids``; None where there is none."""

    async def page(
        self,
        projection: Projection[AnyRow],
        index: str,
        *group: str,
        page: int = 1,
        page_size: int = 20,
        newest_first: bool = True,
    ) -> Page[AnyRow]:
        """One page of an index's group, in its order; a page beyond the last is empty.

        ``group`` holds a value for each of the index's ``group`` fields, in their order.
        Raises `Misuse` where there is no such index or the number of values is wrong.
        """
