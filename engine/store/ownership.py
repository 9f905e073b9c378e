"""Leases: who may write, for how long, by Redis's clock.

A lease decides who is at work, never what is right: safety rests on the token that every
script compares.
"""

from collections.abc import Awaitable, Mapping, Sequence

from engine.core.errors import NotNow, Refused
from engine.core.records import LeaseState
from engine.store.clock import now_ms
from engine.store.connection import Argument, Connection
from engine.store.scripts import Scripts

LEASE_SECONDS_LIMIT = 60.0
"""The longest lease there is: an `until` further away than this is a clock that jumped."""

FIELDS = ("node", "token", "until", "since", "crashes", "suspect")
"""What is looked at of a lease, as `lease_of` takes it."""


class RedisLeases:
    """Leases in hashes, one script per step; ``server`` is the one that this session is on."""

    def __init__(self, control: Connection, scripts: Scripts, server: str) -> None:
        self._control, self._scripts, self._server = control, scripts, server

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""
        return bool(await self.acquire_all({key: token}, node, seconds))

    async def acquire_all(self, tokens: Mapping[str, str], node: str, seconds: float) -> list[str]:
        """Take leases, each under its token, in one round trip; returns those that we got."""
        ms, limit = int(seconds * 1000), int(LEASE_SECONDS_LIMIT * 1000)
        calls: list[tuple[str, list[Argument]]] = [
            (key, [node, token, ms, limit, self._server]) for key, token in tokens.items()
        ]
        left = await self._scripts.call_all("acquire", calls)
        return [key for key, ms in zip(tokens, left, strict=True) if ms == 0]

    async def renew(self, key: str, token: str, seconds: float) -> bool:
        """Hold on to a lease; False when it is not ours any more."""
        [held] = await self._scripts.call("renew", [key], [int(seconds * 1000), token])
        return bool(held)

    async def release(self, key: str, token: str) -> None:
        """Give a lease back, if it is still ours."""
        await self._scripts.call("release", [key], [token])

    async def look(self, keys: Sequence[str]) -> dict[str, LeaseState]:
        """Who holds each lease, by Redis's clock, in one round trip."""
        replies = [self._control.call("HMGET", key, *FIELDS) for key in keys]
        now = await now_ms(self._control)
        return {key: await _looked(reply, now) for key, reply in zip(keys, replies, strict=True)}


async def _looked(reply: Awaitable[Sequence[bytes | None]], now: int) -> LeaseState:
    """One lease; what somebody planted in its place is nobody's to take, and no other's fault."""
    try:
        return lease_of(await reply, now)
    except NotNow:
        raise
    except (Refused, ValueError) as error:
        return LeaseState(f"({error})", "", int(LEASE_SECONDS_LIMIT * 1000))


def lease_of(fields: Sequence[bytes | None], now_ms: int) -> LeaseState:
    """A lease as its hash says; nobody's when it has expired."""
    node, token, until, since, crashes, suspect = [field and field.decode() for field in fields]
    left = int(until or 0) - now_ms
    known = int(crashes or 0), suspect or ""
    if not node or not token or not 0 < left <= LEASE_SECONDS_LIMIT * 1000:
        return LeaseState("", "", 0, 0, *known)
    return LeaseState(node, token, left, int(since or 0), *known)
