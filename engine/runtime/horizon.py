"""How far in the future a stream id may lie, by Redis's clock.

Redis makes ids by its clock; but a client may set one by hand, and what is added behind it
sorts behind it. To handle such an entry would make all that was answered before look
forgotten, so whoever reads a stream asks here first, and has the stream mended
(`engine/store/lua/mend.lua`).
"""

from collections.abc import Awaitable, Callable

from engine.core.ids import CLOCK_LIMIT_MS, stream_ms

MENDED_SHOWN = 10
"""Ids named in the alarm about a stream that was mended: they may be many, and alike."""


class Horizon:
    """The latest time that an entry may carry; Redis is asked only when one is beyond it."""

    def __init__(self, now_ms: Callable[[], Awaitable[int]]) -> None:
        self._now_ms = now_ms
        self._latest = 0

    async def hides(self, entry: str, done: str) -> bool:
        """Whether an entry lies in the future, and not in the time of what is ``done``.

        Where Redis's clock went back its ids go on in the time of the last one.
        """
        ms = stream_ms(entry)
        if ms <= self._latest:
            return False
        self._latest = await self._now_ms() + CLOCK_LIMIT_MS
        return ms > max(self._latest, stream_ms(done))
