"""How a build stands: from its first event until its rows were compared with those before it.

Everything is read from Redis. Whoever watches may come and go, and there may be several.
"""

from collections import deque
from enum import StrEnum

import anyio
import msgspec

from engine.core.comparing import Compared, read_compared
from engine.core.generations import NONE, Generations, served_as
from engine.edge.building import Building

POLL_SECONDS = 0.25
"""Between two looks at a build, where there are few partitions."""

POLL_PARTITIONS = 64
"""Of more partitions than this a look costs more, and is had less often."""

RATE_SECONDS = 10.0
"""How far back a rate looks: it follows what happens, and is no nervous number."""


class Stage(StrEnum):
    """What has become of a build so far."""

    BUILDING = "building"
    PARKED = "parked"
    """It has caught up, and does not go live because it passes over aggregates."""
    COMPARING = "comparing"
    """It is live, and its rows are being compared with those of the one before."""
    LIVE = "live"
    """That is done too."""
    REPLACED = "replaced"
    """It was live, and is not any more."""
    GIVEN_UP = "given up"


UNDER_WAY = {Stage.BUILDING, Stage.COMPARING}
"""Stages that lead to others by themselves."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a build: ``done`` of ``events`` are applied, ``rate`` of them a second.

    ``parked`` counts aggregates that it passes over; ``workers`` those who work on it.
    ``previous`` is what it was compared with, once it is live.
    """

    projection: str
    generation: int
    stage: Stage
    done: int
    events: int
    rate: float
    parked: int
    workers: int
    is_paused: bool
    previous: int
    compared: Compared | None


class Course:
    """Looks at one build, which know how fast it went between them."""

    def __init__(self, building: Building, generation: int) -> None:
        self._building, self._generation = building, generation
        self._session, self._name = building.session, building.name
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def pause(self) -> float:
        """Seconds to let pass between two looks."""
        return POLL_SECONDS * max(1.0, self._session.partitions / POLL_PARTITIONS)

    async def look(self) -> Sight:
        """How it stands now."""
        builds, every = self._session.builds, range(self._session.partitions)
        # In this order: what is said is true of what is read after it, or of more than that.
        found = await self._building.found()
        behind = sum(await self._building.behind(self._generation, found.live))
        heads = await builds.heads()
        reached = await builds.positions(self._name, self._generation)
        parked = sum(await self._session.parked.counts(self._name, self._generation, every))
        done = sum(map(min, reached, heads))
        return Sight(
            projection=self._name, generation=self._generation,
            stage=self._stage(found, behind, parked), done=done, events=sum(heads),
            rate=self._rate(done), parked=parked,
            workers=len(await self._building.workers(served_as(self._name, self._generation))),
            is_paused=found.is_paused, previous=found.previous,
            compared=read_compared(found.compared) if found.compared else None,
        )  # fmt: skip

    def _stage(self, found: Generations, behind: int, parked: int) -> Stage:
        match self._generation:
            case found.building:
                is_held = parked and not behind and not found.accepts_parked
                return Stage.PARKED if is_held else Stage.BUILDING
            case found.live:
                is_due = found.previous != NONE and not found.compared
                return Stage.COMPARING if is_due else Stage.LIVE
            case found.previous:
                return Stage.REPLACED
            case _:
                return Stage.GIVEN_UP

    def _rate(self, done: int) -> float:
        now = anyio.current_time()
        self._seen.append((now, done))
        while now - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return round((done - before) / (now - since), 1) if now > since else 0.0
