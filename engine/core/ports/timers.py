"""The timers of one partition, for its owner."""

from collections.abc import Sequence
from typing import Protocol

from engine.core.firing import FiredSome, Timer, TimerCount, TimerSeen


class Timers(Protocol):
    """One partition's timers, for the one who holds its lease; commits set and cancel them."""

    async def fire(self, count: int) -> FiredSome:
        """Make commands of up to ``count`` timers that are due by Redis's clock, the oldest first.

        Each is removed and its command added in one step. Raises `Fenced`.
        """

    async def fired(self, keys: Sequence[str]) -> Sequence[Timer | None]:
        """The timers that stand and have fired, of these; None where there is none such."""

    async def sleep(self, seconds: float | None) -> None:
        """Let time pass as Redis's clock measures it; None: until somebody cancels it."""


class TimerLook(Protocol):
    """The timers of a namespace, for those who look on."""

    async def first(self, partition: int, count: int) -> Sequence[TimerSeen]:
        """The timers of a partition that are due first."""

    async def of(self, partition: int, aggregate: str) -> Sequence[TimerSeen]:
        """An aggregate's timers, those that are due first before others, fired ones too."""

    async def counts(self, partitions: int) -> Sequence[TimerCount]:
        """How many timers each partition has, by Redis's clock."""
