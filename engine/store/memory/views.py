"""Rows and indexes as queries read them, through what reaches nothing else."""

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.core.fold import group_name
from engine.core.listing import Listing, Ranked, Slice
from engine.store.keys import Keys, require_view
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.server import Link

Look = Callable[..., Awaitable[list[dict[str, Any]]]]
"""Takes what stands under some keys, ``hash`` or ``ranking``, and the keys."""

_KINDS: dict[str, Callable[[Keyspace, str], dict[str, Any]]] = {
    "hash": Keyspace.hash, "ranking": Keyspace.ranking,
}  # fmt: skip


def views_only(link: Link, keys: Keys) -> Look:
    """A way to look at views and indexes; it raises `Misuse` for any other key."""

    async def look(kind: str, *wanted: str) -> list[dict[str, Any]]:
        for key in wanted:
            require_view(keys, key)
        data = await link.turn()
        return [dict(_KINDS[kind](data, key)) for key in wanted]

    return look


class MemoryRows:
    """Rows and indexes, read only."""

    def __init__(self, look: Look, keys: Keys) -> None:
        self._look, self._keys = look, keys

    async def live(self, projection: str) -> int:
        """The generation that queries read; 1 before the first projector came."""
        [said] = await self._look("hash", self._keys.live(projection))
        return int(said.get("live", 1))

    async def rows(
        self, projection: str, generation: int, ids: Sequence[str]
    ) -> list[dict[str, str]]:
        """Rows' fields, by id; an empty dict for a row that is not there."""
        keys = [self._keys.row(projection, generation, id) for id in ids]
        return await self._look("hash", *keys)

    async def members(
        self, listing: Listing, generation: int, start: int | Ranked, count: int
    ) -> Slice:
        """Entries of a list: so many from its beginning, or behind an entry, there or not."""
        prefix = self._keys.index(listing.projection, generation, listing.index.name)
        [ranking] = await self._look("ranking", f"{prefix}:{group_name(listing.group)}")
        entries = sorted((Ranked(*each) for each in ranking.items()), key=_order)
        if isinstance(start, Ranked):
            if listing.newest_first:
                start = len(entries) - bisect_left(entries, _order(start), key=_order)
            else:
                start = bisect_right(entries, _order(start), key=_order)
        if listing.newest_first:
            entries.reverse()
        return Slice(entries[start : start + count], start, len(entries))


def _order(entry: Ranked) -> tuple[float, bytes]:
    """By score, and by bytes among equals, as a sorted set has it."""
    return entry.score, entry.row.encode()
