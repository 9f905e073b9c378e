"""What shortens the way to an aggregate's state."""

from collections.abc import Sequence
from typing import Protocol

from engine.core.records import Keeping, Recalled


class Snapshots(Protocol):
    """The snapshots of one partition's aggregates, for the one who holds its lease."""

    async def recall(self, aggregates: Sequence[str], schemas: Sequence[str]) -> list[Recalled]:
        """Aggregates, each from its snapshot on if that is of this schema, else from the beginning.

        One round trip where no history is long. An empty schema asks for no snapshot.
        """

    async def keep(self, keepings: Sequence[Keeping]) -> int:
        """Write snapshots; how many were written: none that is ahead of its aggregate's stream.

        Raises `Fenced`.
        """
