"""The rows that a query handler sees: those of the live generation, as fresh as was asked."""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from engine.core.errors import Misuse, NotFound
from engine.core.listing import Ranked, listing_of
from engine.core.ports import Rows
from engine.core.projection import AnyRow, Projection
from engine.core.registry import Domain
from engine.core.scalars import as_row
from engine.core.views import Page

GenerationOf = Callable[[str], Awaitable[int]]
"""Says which generation of a projection to read, perhaps after a wait."""


class RowViews:
    """One query's view of the read side; see `engine.core.views.Views`.

    ``generation_of`` is asked once per query and projection, however many look at once.

    Handlers are given this object: whatever it holds can read rows and lists, nothing else.
    """

    def __init__(self, rows: Rows, domain: Domain, generation_of: GenerationOf) -> None:
        self._rows, self._generation_of = rows, generation_of
        self._projections = frozenset(domain.projections)
        self._generations: dict[str, int] = {}
        self._asking = anyio.Lock()

    async def get(self, projection: Projection[AnyRow], row_id: str) -> AnyRow:
        """One row; raises `NotFound`, which names the projection and the id."""
        (row,) = await self.find(projection, [row_id])
        if row is None:
            raise NotFound(f"{projection.name} has no row {row_id}")
        return row

    async def find(self, projection: Projection[AnyRow], ids: Sequence[str]) -> list[AnyRow | None]:
        """Several rows in one round trip, in the order of ``ids``; None where there is none."""
        generation = await self._generation(projection.name)
        rows = await self._rows.rows(projection.name, generation, ids)
        return [as_row(projection.row, id, fields) for id, fields in zip(ids, rows, strict=True)]

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
        """Some of an index's group, in its order; beyond the end there is nothing."""
        listing = listing_of(projection, index, group, newest_first)
        if page is not None and cursor:
            raise Misuse("page and cursor both say where to go on in a list: give one of them")
        if page_size < 1 or (page is not None and page < 1):
            raise Misuse("page and page_size count from 1")
        start: int | Ranked = ((page or 1) - 1) * page_size
        if cursor:
            start = listing.place(cursor)
        generation = await self._generation(projection.name)
        found = await self._rows.members(listing, generation, start, page_size)
        ids = [entry.row for entry in found.entries]
        rows = await self._rows.rows(projection.name, generation, ids)
        return Page(
            items=[
                row
                for id, fields in zip(ids, rows, strict=True)
                if listing.has(fields) and (row := as_row(projection.row, id, fields)) is not None
            ],
            page=None if cursor else page or 1,
            page_size=page_size,
            total=found.total,
            next=None if found.is_last else listing.cursor(found.entries[-1]),
        )

    async def _generation(self, name: str) -> int:
        if name not in self._projections:
            raise Misuse(f"the projection {name!r} is not registered")
        if name not in self._generations:
            async with self._asking:
                if name not in self._generations:
                    self._generations[name] = await self._generation_of(name)
        return self._generations[name]
