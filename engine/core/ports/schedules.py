"""Where the occurrences of recurring schedules go."""

from collections.abc import Mapping
from typing import Protocol


class Occurrences(Protocol):
    """Submits commands of schedules; each source's mark says how far it has come."""

    async def mark(self, partition: int, source: str) -> str:
        """The mark of a source at a partition, ``0-0`` where it has submitted nothing."""

    async def submit(
        self,
        partition: int,
        source: str,
        expected: str,
        mark: str,
        command: Mapping[str, bytes] | None,
    ) -> str:
        """Add a command, if there is one, and move the mark, in one step; the mark then.

        Where it was not ``expected`` nothing is written.
        """

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass as Redis's clock measures it; perhaps less."""
