"""Who is there: the processes of a namespace, what they say of themselves, and their news."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from engine.core.records import Member
from engine.store.clock import now_ms
from engine.store.connection import Connection
from engine.store.keys import Keys

NEWS_LIMIT = 1000
"""Changes kept: enough to see how today's came about."""

FORGET_MS = 3_600_000
"""After this long, a process that died without a word is not even listed as dead."""

DRAIN_MS = 60_000
"""So long a wish to drain stands, if the process that it is for is not there to hear it."""

AHEAD_MS = 1000
"""A sign of life from further in the future is older than a clock that was set back."""


class RedisRoster:
    """The processes of a namespace."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self._keys = control, keys

    async def beat(self, node: str, about: Mapping[str, str], seconds: float) -> bool:
        """Say how this process fares, for so long; answers whether it is asked to drain."""
        now = await now_ms(self._control)
        key = self._keys.node(node)
        said = [
            # Signs of life come with the leases' renewals, so that both run out together.
            self._control.call("ZADD", self._keys.nodes(), "NX", now, node),
            self._control.call("HSET", key, *chain.from_iterable(about.items()), "beat", now),
            self._control.call("PEXPIRE", key, int(seconds * 1000)),
            self._control.call("ZREMRANGEBYSCORE", self._keys.nodes(), "-inf", now - FORGET_MS),
        ]
        asked = self._control.call("HGET", key, "drain")
        for reply in said:
            await reply
        return bool(await asked)

    async def members(self, seconds: float) -> dict[str, Member]:
        """Every process that gave a sign of life in the last ``seconds``, by its name."""
        now = await now_ms(self._control)
        ranked = await self._control.call(
            "ZRANGEBYSCORE", self._keys.nodes(), now - int(seconds * 1000), now + AHEAD_MS,
            "WITHSCORES",
        )  # fmt: skip
        names = [name.decode() for name in ranked[::2]]
        replies = [self._control.call("HGETALL", self._keys.node(name)) for name in names]
        members = {}
        for name, seen, reply in zip(names, ranked[1::2], replies, strict=True):
            flat: list[Any] = [part.decode() for part in await reply]
            about = dict(zip(flat[::2], flat[1::2], strict=True))
            said = int(about.pop("beat", 0))
            members[name] = Member(name, now - int(float(seen)), now - said, about)
        return members

    async def announce(self, node: str, what: str, about: str = "") -> str:
        """Tell all processes at once of what they would else see later; the news' own id."""
        id = await self._control.call(
            "XADD", self._keys.changes(), "MAXLEN", "~", NEWS_LIMIT, "*",
            "node", node, "what", what, "about", about,
        )  # fmt: skip
        return str(id.decode())

    async def ask_to_drain(self, node: str) -> None:
        """Have a process finish what it has in hand, give everything back and end."""
        asked = self._control.call("HSET", self._keys.node(node), "drain", 1)
        await self._control.call("PEXPIRE", self._keys.node(node), DRAIN_MS)
        await asked
        await self.announce(node, "drain")

    async def farewell(self, node: str) -> None:
        """Say that this process ends."""
        await self._control.call("ZREM", self._keys.nodes(), node)
        await self._control.call("UNLINK", self._keys.node(node))
        await self.announce(node, "left")
