"""What is seen from outside while all goes wrong: who owns what, and what stands still.

Read from Redis a few times a second, as an operator could.
"""

import time
from collections import Counter
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import anyio
from redis.exceptions import RedisError

from engine.core.ids import stream_order
from tests.faults.cast import NAMESPACE, PARTITIONS, Cast
from tests.faults.flaky import routers
from tests.faults.rebuilds import live_generations, settled

_LOOK_SECONDS = 0.2


class Stall(NamedTuple):
    """Something that had work and did nothing for so long, and when that ended."""

    seconds: float
    what: str
    until: str

    def __str__(self) -> str:
        """As a report shows it."""
        return f"{self.seconds:.1f} s ({self.what}, until {self.until})"


class Place(NamedTuple):
    """How far one reader of one stream has come, and how far it could; whose lease it is.

    ``later`` counts what is not to be done yet: timers, and commands that were deferred.
    """

    role: str
    what: str
    node: str | None
    token: str | None
    done: str
    last: str
    later: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing will ever be done here, unless somebody asks for it."""
        return not self.has_work and not self.later

    @property
    def has_work(self) -> bool:
        """Whether something waits behind what is done."""
        return stream_order(self.done) < stream_order(self.last)


async def places(redis: Any) -> list[Place]:
    """Every partition, its routers, and its projections in the generations that are live.

    They are seen in one step: a command may be nowhere else than on its way between two of them.
    """
    generations = await live_generations(redis)
    readers = {router.name: f"reaction:{router.name}" for router in routers}
    readers |= {name: f"projection:{name}" for name in generations}
    pipeline = redis.pipeline(transaction=True)
    for partition in range(PARTITIONS):
        tag = f"{{{NAMESPACE}:{partition}}}"
        pipeline.hmget(f"{tag}:lease", "node", "token")
        pipeline.hmget(f"{tag}:head", "command", "position")
        pipeline.xrevrange(f"{tag}:commands", count=1)
        pipeline.hlen(f"{tag}:timer").hlen(f"{tag}:waiting")
        for key in readers.values():
            pipeline.hmget(f"{tag}:{key}", "node", "token", "position")
    answers = iter(await pipeline.execute())
    found = []
    for partition in range(PARTITIONS):
        (node, token), (done, position), entries, *later = (next(answers) for _ in range(5))
        what, last = f"partition {partition}", entries[0][0] if entries else "0-0"
        found.append(Place("engine", what, node, token, done or "0-0", last, sum(later)))
        for name in readers:
            node, token, applied = next(answers)
            what = f"{name} of partition {partition}"
            here, there = f"{applied or 0}-0", f"{position or 0}-0"
            found.append(Place("worker", what, node, token, here, there))
    return found


async def drained(redis: Any) -> bool:
    """Whether every command has its outcome, every reader all events, and no timer is set."""
    inbox = await redis.xrevrange(f"{{{NAMESPACE}}}:inbox", count=1)
    forwarded = await redis.xrevrange(f"{{{NAMESPACE}}}:forwarded", count=1)
    noted = forwarded[0][0] if forwarded else "0-0"
    if inbox and stream_order(noted) < stream_order(inbox[0][0]):
        return False
    is_over = all(place.is_over for place in await places(redis))
    return is_over and await settled(redis)


@dataclass
class Seen:
    """What was seen, by role: ``engine`` or ``worker``.

    A takeover is a lease in the hands of another process than before; where the same one
    has it again under a new token, it was taken back. ``longest`` is the longest time that
    something had work and none of it was done.
    """

    takeovers: Counter[str] = field(default_factory=Counter)
    taken_back: Counter[str] = field(default_factory=Counter)
    longest: dict[str, Stall] = field(default_factory=dict)


class Watch:
    """A look at every place a few times a second, from the beginning on."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._places: dict[str, Place] = {}
        self._since: dict[str, float] = {}
        self.seen = Seen()

    async def run(self) -> None:
        """Look until cancelled. A server that is away is time without progress, too."""
        while True:
            with suppress(RedisError, OSError):
                async with self._cast.server.admin() as redis:
                    while True:
                        found = await places(redis)
                        for place in found:
                            self._note(place, time.monotonic())
                        self._forget_but({place.what for place in found})
                        await anyio.sleep(_LOOK_SECONDS)
            await anyio.sleep(_LOOK_SECONDS)

    def _note(self, place: Place, now: float) -> None:
        before = self._places.get(place.what, place)
        if not place.token:
            # given back, and nobody's for a moment: whose it was still counts
            place = place._replace(node=before.node, token=before.token)
        elif before.token and place.token != before.token:
            counts = self.seen.takeovers if place.node != before.node else self.seen.taken_back
            counts[place.role] += 1
        self._places[place.what] = place
        since = self._since.setdefault(place.what, now)
        stall = Stall(now - since, place.what, f"{datetime.now(UTC):%H:%M:%S}")
        if before.has_work:
            longest = self.seen.longest
            longest[place.role] = max(stall, longest.get(place.role, stall))
        if place.done != before.done or not place.has_work:
            self._since[place.what] = now

    def _forget_but(self, there: AbstractSet[str]) -> None:
        """Generations that are not live any more may be again, later: that is another story."""
        for what in self._places.keys() - there:
            del self._places[what], self._since[what]

    def standing_still(self) -> list[str]:
        """What has work and does nothing now, for a report of what went wrong."""
        now = time.monotonic()
        return [
            f"{place}: {now - self._since[place.what]:.1f} s"
            for place in self._places.values()
            if place.has_work
        ]
