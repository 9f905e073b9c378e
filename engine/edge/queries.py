"""The rows that a query handler sees: those of the live generation, as fresh as was asked."""

from collections.abc import Sequence

import anyio

from engine.core.branches import exists
from engine.core.errors import Behind, HistoryLost, Misuse, NotFound, Parked
from engine.core.outcome import Receipt
from engine.core.ports import Rows
from engine.core.projection import AnyRow, Projection
from engine.core.registry import Domain
from engine.core.scalars import as_row
from engine.core.views import Page

_POLL_FIRST = 0.0005
_POLL_LIMIT = 0.02
"""Seconds between looks at a checkpoint that is waited for: doubled from first to limit."""


class RowViews:
    """One query's view of the read side; see `engine.core.views.Views`.

    A projection's generation is looked up once per query. With a receipt, its first use
    waits until the checkpoint of the receipt's partition has reached it.
    """

    def __init__(
        self, rows: Rows, domain: Domain, receipt: Receipt | None, deadline: float
    ) -> None:
        self._rows, self._domain = rows, domain
        self._receipt, self._deadline = receipt, deadline
        self._generations: dict[str, int] = {}

    async def get(self, projection: Projection[AnyRow], row_id: str) -> AnyRow:
        """One row; raises `NotFound`, which names the projection and the id."""
        (row,) = await self.find(projection, [row_id])
        if row is None:
            raise NotFound(f"{projection.name} has no row {row_id}")
        return row

    async def find(self, projection: Projection[AnyRow], ids: Sequence[str]) -> list[AnyRow | None]:
        """Several rows in one round trip, in the order of ``ids``; None where there is none."""
        generation = await self._generation(projection)
        rows = await self._rows.rows(projection.name, generation, ids)
        return [as_row(projection.row, id, fields) for id, fields in zip(ids, rows, strict=True)]

    async def page(
        self,
        projection: Projection[AnyRow],
        index: str,
        *group: str,
        page: int = 1,
        page_size: int = 20,
        newest_first: bool = True,
    ) -> Page[AnyRow]:
        """One page of an index's group, in its order; a page beyond the last is empty."""
        known = {each.name: each for each in projection.indexes}
        if index not in known:
            raise Misuse(f"{projection.name} has no index {index!r}; it has {', '.join(known)}")
        if len(group) != len(known[index].group):
            raise Misuse(
                f"{index} groups by {', '.join(known[index].group)}: {len(group)} values given"
            )
        if page < 1 or page_size < 1:
            raise Misuse("page and page_size count from 1")
        generation = await self._generation(projection)
        ids, total = await self._rows.members(
            projection.name,
            generation,
            index,
            group,
            (page - 1) * page_size,
            page_size,
            newest_first,
        )
        rows = await self.find(projection, ids)
        items = [row for row in rows if row is not None]
        return Page(items=items, page=page, page_size=page_size, total=total)

    async def _generation(self, projection: Projection[AnyRow]) -> int:
        name = projection.name
        if name not in self._generations:
            if name not in self._domain.projections:
                raise Misuse(f"the projection {name!r} is not registered")
            generation = await self._rows.live(name)
            if self._receipt is not None:
                await self._reached(name, generation, self._receipt)
            self._generations[name] = generation
        return self._generations[name]

    async def _reached(self, name: str, generation: int, receipt: Receipt) -> None:
        """Wait until a projection has applied what the receipt stands for.

        Raises `HistoryLost` where that does not exist any more: a later branch began below it;
        `Parked` where the projection passed over it.
        """
        pause = _POLL_FIRST
        while True:
            applied = await self._rows.applied(name, generation, receipt.partition)
            is_reached = applied.position >= receipt.position
            is_late = anyio.current_time() >= self._deadline
            # On the receipt's own branch too: what is lost there is waited for in vain.
            if applied.branch != receipt.branch or (is_late and not is_reached):
                await self._require(receipt)
            if is_reached:
                await self._require_applied(name, generation, receipt)
                return
            if is_late:
                raise Behind(
                    f"{name} has applied position {applied.position} of partition "
                    f"{receipt.partition}; the receipt asks for {receipt.position}. "
                    f"Is a projection worker running (semel status)?"
                )
            await anyio.sleep(pause)
            pause = min(pause * 2, _POLL_LIMIT)

    async def _require_applied(self, name: str, generation: int, receipt: Receipt) -> None:
        """Raise `Parked` where the receipt's event was passed over, with all of its aggregate."""
        aggregate = await self._rows.parked_at(
            name, generation, receipt.partition, receipt.position
        )
        if aggregate:
            raise Parked(
                f"{name} could not apply an event of {aggregate}, and passes over all of them "
                f"since: the view lacks what {receipt} stands for. `semel dead show {name} "
                f"{aggregate}` says why; mend it, then `semel dead retry {name} {aggregate}`"
            )

    async def _require(self, receipt: Receipt) -> None:
        """Raise `HistoryLost` where what a receipt stands for does not exist any more."""
        branches = await self._rows.branches(receipt.partition)
        if branches and not exists(branches, receipt.branch, receipt.position):
            raise HistoryLost(
                f"{receipt} stands for what a server lost: partition {receipt.partition} "
                f"goes on from older data. Submit the command again, with the same id"
            )
