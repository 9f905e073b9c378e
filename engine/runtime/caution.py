"""A command of death must not take node after node with it.

Some input kills the process that handles it: it eats all memory, or crashes the
interpreter. Its successor reads the same input first, and so on. Three rules end that:

1. An owner whose lease ran out on a server that did not change has died. That counts as a
   crash (``acquire.lua``).
2. From the third crash on, the next owner handles one piece of input at a time, and notes
   it as the suspect before it touches it (``suspect.lua``). Only deaths with a suspect noted
   count against that suspect.
3. After a few of these the suspect is not tried any more: its answer is `failed`.

Once an owner is past all that was waiting when it came, nothing of it can have been to
blame, and all is forgotten (``acquit.lua``).
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

CRASHES_LIMIT = 3
"""Owners may die for many reasons; this many in a row are worth a slower look."""

DEATHS_LIMIT = 3
"""Deaths at one and the same input, while nothing else was handled: that is no accident."""

What = TypeVar("What")


class Caution(Generic[What]):
    """How an owner goes about input that may have killed others before it.

    ``past`` tells whether a piece of input lies beyond all that was waiting at the beginning.
    """

    def __init__(
        self,
        crashes: int,
        suspect: Callable[[What], Awaitable[int]],
        acquit: Callable[[], Awaitable[None]],
        past: Callable[[What], bool],
    ) -> None:
        self._crashes = crashes
        self._suspect, self._acquit, self._past = suspect, acquit, past

    @property
    def needed(self) -> bool:
        """Whether input must be handled piece by piece."""
        return self._crashes >= CRASHES_LIMIT

    async def condemns(self, what: What) -> bool:
        """Note what is about to be tried, where that is needed; True if it is not to be."""
        return self.needed and await self._suspect(what) >= DEATHS_LIMIT

    async def survived(self, what: What) -> None:
        """What was tried is done; with the last of what was waiting all is forgotten."""
        if self._crashes and self._past(what):
            await self._acquit()
            self._crashes = 0
