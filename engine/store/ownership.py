"""Leases: who may write, for how long, by Redis's clock.

A lease decides who is at work, never what is right: safety rests on the token that every
script compares.
"""

from engine.store.scripts import Scripts

LEASE_SECONDS_LIMIT = 60.0
"""The longest lease there is: an `until` further away than this is a clock that jumped."""


class RedisLeases:
    """Leases in hashes, one script per step."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""
        limit = int(LEASE_SECONDS_LIMIT * 1000)
        taken = await self._scripts.call(
            "acquire", [key], [node, token, int(seconds * 1000), limit]
        )
        return bool(taken)

    async def renew(self, key: str, token: str, seconds: float) -> bool:
        """Hold on to a lease; False when it is not ours any more."""
        return bool(await self._scripts.call("renew", [key], [token, int(seconds * 1000)]))

    async def release(self, key: str, token: str) -> None:
        """Give a lease back, if it is still ours."""
        await self._scripts.call("release", [key], [token])
