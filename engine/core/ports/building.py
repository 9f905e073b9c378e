"""The generations of read models: which there are, and how one takes another's place."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from engine.core.generations import Generations


class Flip(NamedTuple):
    """What became of an attempt to flip: ``behind`` counts partitions, ``parked`` aggregates."""

    done: bool
    behind: int = 0
    parked: int = 0


class Pair(NamedTuple):
    """One row as two generations have it; no fields where one has none."""

    row: str
    live: dict[str, str]
    previous: dict[str, str]


class Builds(Protocol):
    """What is said of generations, and what there is of them."""

    async def read(self, projection: str) -> Generations:
        """What is said of a projection's generations; raises `Torn` where it cannot be read."""

    async def projections(self) -> Sequence[str]:
        """The projections that workers have served here, by name."""

    async def revise(self, projection: str, new: Generations) -> bool:
        """Write what follows from what was read; False where somebody else was first."""

    async def flip(self, projection: str, new: Generations, enough: Sequence[int] = ()) -> Flip:
        """The same where ``live`` changes: only if it is behind the one before nowhere.

        ``enough`` are positions, one for each partition, that need not be exceeded.
        """

    async def positions(self, projection: str, generation: int) -> Sequence[int]:
        """How far a generation has come in each partition."""

    async def heads(self) -> Sequence[int]:
        """How far each partition's log reaches."""

    def pairs(self, projection: str, live: int, previous: int) -> AsyncIterator[Sequence[Pair]]:
        """Every row that one of two generations has; some come twice."""

    async def paired(
        self, projection: str, live: int, previous: int, rows: Sequence[str]
    ) -> Sequence[Pair]:
        """Some rows, as two generations have them now."""

    def erase(self, projection: str, generation: int) -> AsyncIterator[int]:
        """Remove a generation, page by page: how many keys were looked at in each.

        Whoever might still write to it must have been fenced before.
        """
