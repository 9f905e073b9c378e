"""The read side as it is queried: rows for whoever asks, checkpoints for whoever waits first."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from engine.core.branches import Branch
from engine.core.listing import Listing, Ranked, Slice
from engine.core.records import Checkpoint


class Rows(Protocol):
    """Rows and indexes, read only; it reads no key but theirs, so queries may hold it."""

    async def live(self, projection: str) -> int:
        """The generation that queries read."""

    async def rows(
        self, projection: str, generation: int, ids: Sequence[str]
    ) -> list[dict[str, str]]:
        """Rows' fields, by id; an empty dict for a row that is not there."""

    async def members(
        self, listing: Listing, generation: int, start: int | Ranked, count: int
    ) -> Slice:
        """Entries of a list: so many from its beginning, or behind an entry, there or not."""


class Glance(NamedTuple):
    """One look at a projection: what is live, and how far the generation asked about has come.

    ``parked_at`` is the first position from which it passes over the aggregate asked about; 0
    where it passes over none.
    """

    live: int
    is_paused: bool
    applied: Checkpoint
    parked_at: int = 0


class Reached(NamedTuple):
    """How far a generation has come in a partition, and the last change that it has told there."""

    position: int
    changed: str


class Checkpoints(Protocol):
    """How far generations have come in each partition. It reads logs, so no query holds it."""

    async def glance(
        self, projection: str, generation: int, partition: int, aggregate: str = ""
    ) -> Glance:
        """Which generation is live and how far another has come, in one round trip."""

    async def applied(self, projection: str, generation: int, partition: int) -> Checkpoint:
        """A generation's checkpoint in a partition."""

    async def reached(self, projection: str, generation: int, partitions: int) -> Sequence[Reached]:
        """How far a generation has come and what it has told, in each partition."""

    async def parked_at(
        self, projection: str, generation: int, partition: int, position: int
    ) -> str:
        """The parked aggregate that keeps the event at a position from its rows; empty if none."""

    async def branches(self, partition: int) -> Sequence[Branch]:
        """The servers that a partition's history was written on, the last one last."""
