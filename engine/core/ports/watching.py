"""Looking at projections from outside: how they stand, and what is wrong with them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.standing import Reading


class Readings(Protocol):
    """How far generations have read the logs; changes nothing and owns nothing."""

    async def look(
        self,
        projection: str,
        generation: int | None,
        partitions: Sequence[int],
        *,
        closely: bool = False,
    ) -> Sequence[Reading]:
        """A generation in some partitions, each at one moment, in one round trip.

        A router has none: its ``generation`` is None.
        ``closely``: with its consumer groups, and the events that parked aggregates wait for.
        """


class Alarms(Protocol):
    """What is remembered of what is wrong (`engine.core.alerting`), by what it is about."""

    async def read(self) -> Mapping[str, str]:
        """All that is noted."""

    async def note(self, token: str, alarms: Mapping[str, str]) -> None:
        """Note alarms, empty for those that go, as the one who watches; raises `Fenced`."""
