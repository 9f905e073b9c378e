"""Rows and indexes as queries read them, over a connection that reaches nothing else.

What a query holds ends here: `views_only` looks at every key on its way to Redis, and keeps
the connection to itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.core.errors import Misuse
from engine.core.fold import group_name
from engine.core.listing import Listing, Ranked, Slice
from engine.store.connection import Argument, Connection
from engine.store.keys import Keys, require_view
from engine.store.logs import texts
from engine.store.scripts import Scripts

Ask = Callable[..., Awaitable[Any]]
"""Takes a verb, one key and its arguments."""

_VERBS = frozenset({"HGET", "HGETALL"})
_SCRIPTS = frozenset({"members"})


def views_only(control: Connection, scripts: Scripts, keys: Keys) -> Ask:
    """A way to ask Redis for views and indexes; it raises `Misuse` for any other key or verb.

    The connection is known to the function alone: no attribute of what queries hold leads to it.
    """

    def ask(verb: str, key: str, *arguments: Argument) -> Awaitable[Any]:
        require_view(keys, key)
        if verb in _SCRIPTS:
            return scripts.call(verb, [key], [*arguments])
        if verb not in _VERBS:
            raise Misuse(f"a query reads rows and lists, it does not {verb}")
        return control.call(verb, key, *arguments)

    return ask


class RedisRows:
    """Rows and indexes, read only."""

    def __init__(self, ask: Ask, keys: Keys) -> None:
        self._ask, self._keys = ask, keys

    async def live(self, projection: str) -> int:
        """The generation that queries read; 1 before the first projector came."""
        return int(await self._ask("HGET", self._keys.live(projection), "live") or 1)

    async def rows(
        self, projection: str, generation: int, ids: Sequence[str]
    ) -> list[dict[str, str]]:
        """Rows' fields, by id; an empty dict for a row that is not there."""
        replies = [self._ask("HGETALL", self._keys.row(projection, generation, id)) for id in ids]
        return [texts(await reply) for reply in replies]

    async def members(
        self, listing: Listing, generation: int, start: int | Ranked, count: int
    ) -> Slice:
        """Entries of a list: so many from its beginning, or behind an entry, there or not."""
        prefix = self._keys.index(listing.projection, generation, listing.index.name)
        place = [start] if isinstance(start, int) else [repr(start.score), start.row]
        total, first, flat = await self._ask(
            "members", f"{prefix}:{group_name(listing.group)}",
            int(listing.newest_first), count, *place,
        )  # fmt: skip
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return Slice([Ranked(row.decode(), float(score)) for row, score in pairs], first, total)
