"""Leases by the server's clock."""

from collections.abc import Mapping, Sequence

from engine.core.errors import Fenced, Refused
from engine.core.records import LeaseState
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.server import Link
from engine.store.ownership import FIELDS, LEASE_SECONDS_LIMIT, lease_of


class MemoryLeases:
    """Leases in hashes."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def acquire_all(self, tokens: Mapping[str, str], node: str, seconds: float) -> list[str]:
        """Take leases, each under its token; returns those that we got."""
        return [k for k, token in tokens.items() if await self.acquire(k, node, token, seconds)]

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""
        data = await self._link.turn()
        now, held = self._link.server.now_ms(), data.hash(key)
        left = int(held.get("until", 0)) - now
        is_mine = held.get("node") == node
        if "token" in held and 0 < left <= LEASE_SECONDS_LIMIT * 1000 and not is_mine:
            return False
        if "token" in held and left <= 0 and held["server"] == self._link.run and not is_mine:
            data.put(key, {"crashes": str(int(held.get("crashes", 0)) + 1)})
            if "suspect" in held:
                data.put(key, {"deaths": str(int(held["deaths"]) + 1)})
        until = str(now + int(seconds * 1000))
        taken = {"node": node, "token": token, "until": until, "since": str(now)}
        data.put(key, {**taken, "server": self._link.run})
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
            data.drop(key, ["node", "token", "until", "since", "server"])

    async def look(self, keys: Sequence[str]) -> dict[str, LeaseState]:
        """Who holds each lease, by the server's clock."""
        data = await self._link.turn()
        return {key: _looked(data, key, self._link.server.now_ms()) for key in keys}


def _looked(data: Keyspace, key: str, now: int) -> LeaseState:
    try:
        held = data.hash(key)
        return lease_of([held[name].encode() if name in held else None for name in FIELDS], now)
    except (Refused, ValueError) as error:
        return LeaseState(f"({error})", "", int(LEASE_SECONDS_LIMIT * 1000))


class Tried:
    """What whoever holds a lease tries, and what others died of."""

    def __init__(self, link: Link, key: str, token: str) -> None:
        self._link, self._key, self._token = link, key, token

    async def suspect(self, what: str) -> int:
        """Note what is about to be tried; answers how many owners died at just this."""
        data = await self._held()
        held = data.hash(self._key)
        if held.get("suspect") == what:
            return int(held["deaths"])
        data.put(self._key, {"suspect": what, "deaths": "0"})
        return 0

    async def acquit(self) -> None:
        """Forget crashes and suspects: what they were about is behind."""
        (await self._held()).drop(self._key, ["crashes", "suspect", "deaths"])

    async def _held(self) -> Keyspace:
        data = await self._link.turn()
        if not is_held(data, self._key, self._token):
            raise Fenced("the lease is not ours")
        return data


def is_held(data: Keyspace, key: str, token: str) -> bool:
    """Whether a lease is held under this token: what every fenced step asks first."""
    return data.hash(key).get("token") == token
