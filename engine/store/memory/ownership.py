"""Leases by the server's clock."""

from collections.abc import Mapping

from engine.store.memory.keyspace import Keyspace
from engine.store.memory.server import Link
from engine.store.ownership import LEASE_SECONDS_LIMIT


class MemoryLeases:
    """Leases in hashes."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def acquire_all(self, tokens: Mapping[str, str], node: str, seconds: float) -> list[str]:
        """Take leases, each under its token; returns those that we got."""
        return [k for k, token in tokens.items() if await self.acquire(k, node, token, seconds)]

    async def renew_all(self, tokens: Mapping[str, str], seconds: float) -> list[str]:
        """Hold on to leases; returns those that are not ours any more."""
        return [key for key, token in tokens.items() if not await self.renew(key, token, seconds)]

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""
        data = await self._link.turn()
        now = self._link.server.now_ms()
        held = data.hash(key)
        left = int(held.get("until", 0)) - now
        if "token" in held and 0 < left <= LEASE_SECONDS_LIMIT * 1000:
            return False
        data.put(key, {"node": node, "token": token, "until": str(now + int(seconds * 1000))})
        return True

    async def renew(self, key: str, token: str, seconds: float) -> bool:
        """Hold on to a lease; False when it is not ours any more."""
        data = await self._link.turn()
        if not is_held(data, key, token):
            return False
        data.put(key, {"until": str(self._link.server.now_ms() + int(seconds * 1000))})
        return True

    async def release(self, key: str, token: str) -> None:
        """Give a lease back, if it is still ours."""
        data = await self._link.turn()
        if is_held(data, key, token):
            data.drop(key, ["node", "token", "until"])


def is_held(data: Keyspace, key: str, token: str) -> bool:
    """Whether a lease is held under this token: what every fenced step asks first."""
    return data.hash(key).get("token") == token
