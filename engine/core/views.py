"""What a query handler is given: rows, one by one, several at once, or list by list."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from engine.core.projection import AnyRow, Projection

Item = TypeVar("Item")
Shown = TypeVar("Shown")


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """Some of a longer list, in its order.

    ``page`` counts from 1; it is None where a cursor led here. ``total`` counts the whole list.
    ``next`` is the cursor that leads to what follows; None at the end of the list.
    """

    items: list[Item]
    page: int | None
    page_size: int
    total: int
    next: str | None = None

    def showing(self, items: list[Shown]) -> "Page[Shown]":
        """The same page with other items in the place of these: the views of its rows."""
        return Page(
            items=items, page=self.page, page_size=self.page_size, total=self.total, next=self.next
        )


class Views(Protocol):
    """The rows of every read model, in the generation that is live; nothing can be written.

    One query sees one generation of a projection from its first look at it to its last.
    """

    async def get(self, projection: Projection[AnyRow], row_id: str) -> AnyRow:
        """One row; raises `NotFound`, which names the projection and the id."""

    async def find(self, projection: Projection[AnyRow], ids: Sequence[str]) -> list[AnyRow | None]:
        """Several rows in one round trip, in the order of ``ids``; None where there is none."""

    async def page(  # noqa: PLR0913 -- a list, a place in it, and how much of it
        self,
        projection: Projection[AnyRow],
        index: str,
        *group: str,
        page: int | None = None,
        cursor: str | None = None,
        page_size: int = 20,
        newest_first: bool = True,
    ) -> Page[AnyRow]:
        """Some of an index's group, in its order; beyond the end there is nothing.

        ``group`` holds a value for each of the index's ``group`` fields, in their order. Where
        to begin is said by ``page``, counted from 1, or by ``cursor``, the ``next`` of the
        page before. Pages by number shift while rows come and go; who follows cursors sees
        every row that stays in the group, at its place, exactly once.

        Entries are read first, then their rows. A row that has left the group or gone in
        between is left out, so a page may hold fewer rows than it could, even none, while
        ``next`` leads on; ``total`` counts the entries as they stood.

        Raises `Misuse` where there is no such index, the number of values is wrong, or the
        cursor is that of another list.
        """
