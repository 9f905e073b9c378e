"""Leases: who may write, for how long, by Redis's clock.

A lease decides who is at work, never what is right: safety rests on the token that every
script compares.
"""

from collections.abc import Mapping

from engine.store.connection import Argument
from engine.store.scripts import Scripts

LEASE_SECONDS_LIMIT = 60.0
"""The longest lease there is: an `until` further away than this is a clock that jumped."""


class RedisLeases:
    """Leases in hashes, one script per step."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""
        return bool(await self.acquire_all({key: token}, node, seconds))

    async def acquire_all(self, tokens: Mapping[str, str], node: str, seconds: float) -> list[str]:
        """Take leases, each under its token, in one round trip; returns those that we got."""
        ms, limit = int(seconds * 1000), int(LEASE_SECONDS_LIMIT * 1000)
        calls: list[tuple[str, list[Argument]]] = [
            (key, [node, token, ms, limit]) for key, token in tokens.items()
        ]
        taken = await self._scripts.call_all("acquire", calls)
        return [key for key, is_ours in zip(tokens, taken, strict=True) if is_ours]

    async def renew(self, key: str, token: str, seconds: float) -> bool:
        """Hold on to a lease; False when it is not ours any more."""
        return not await self.renew_all({key: token}, seconds)

    async def renew_all(self, tokens: Mapping[str, str], seconds: float) -> list[str]:
        """Hold on to leases, in one round trip; returns those that are not ours any more."""
        calls: list[tuple[str, list[Argument]]] = [
            (key, [token, int(seconds * 1000)]) for key, token in tokens.items()
        ]
        held = await self._scripts.call_all("renew", calls)
        return [key for key, is_ours in zip(tokens, held, strict=True) if not is_ours]

    async def release(self, key: str, token: str) -> None:
        """Give a lease back, if it is still ours."""
        await self._scripts.call("release", [key], [token])
