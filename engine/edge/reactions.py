"""Routers as they stand: how far each has read the logs, in every partition."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from engine.core.records import Report
from engine.core.standing import Standing, standing
from engine.core.summary import summed

if TYPE_CHECKING:
    from engine.app import RedisSession


class Reaction(msgspec.Struct, kw_only=True):
    """One router over all partitions; see `engine.core.standing.Standing`."""

    name: str
    state: str
    states: dict[str, int]
    behind: int
    seconds: float | None
    rate: float | None
    moved: float | None
    parked: int
    passed_over: int
    owned: int
    workers: list[str]
    troubles: list[str]
    partitions: list[Standing] | UnsetType = UNSET

    def whole(self) -> "Reaction":
        """The same without its partitions."""
        return msgspec.structs.replace(self, partitions=UNSET)


async def look_at(
    session: "RedisSession", name: str, reports: Mapping[str, Report], *, closely: bool = True
) -> Reaction:
    """One router; ``reports`` is what workers say, ``closely`` as `Readings.look`."""
    every = range(session.partitions)
    readings = await session.readings.look(name, None, every, closely=closely)
    now = await session.now_ms()
    places = [
        standing(reading, reports.get(session.reaction_lease(name, reading.partition)), now)
        for reading in readings
    ]
    total = summed(places)
    return Reaction(
        name=name, state=total.state, states=total.states, behind=total.behind,
        seconds=total.seconds, rate=total.rate, moved=total.moved, parked=total.parked,
        passed_over=total.passed_over, owned=total.owned, workers=total.workers,
        troubles=total.troubles, partitions=places if closely else UNSET,
    )  # fmt: skip
