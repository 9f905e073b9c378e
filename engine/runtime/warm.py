"""The actors that are in memory: the least recently used go where there are too many.

What a state takes is estimated from the events that it has taken in, which costs next to nothing;
once these would make up half of it, it is measured (`engine.core.sizes`). So an aggregate that
grows is measured ever more rarely, and one that only changes does not seem to grow for ever.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import msgspec

from engine.core.decider import Decider
from engine.core.messages import Event
from engine.core.sizes import size_of
from engine.settings import Settings
from engine.telemetry.actors import ACTORS_EVICTED

ACTOR_BYTES = 350
"""An actor without its state: itself, its aggregate's id, its place in the table."""

_EVICTED = {reason: ACTORS_EVICTED.labels(reason) for reason in ("count", "bytes")}

NEVER = 2**62
"""A version that no aggregate reaches."""

_BYTES_PER_BYTE = 2
"""A state's bytes in memory per byte of events: an order of the shop takes 1.8 so."""

_MEASURE_BYTES = 16 * 1024
"""Less is not worth to be measured, which takes 2 us per object in it."""


class Bounds(NamedTuple):
    """How many actors there may be, and of how many bytes together, by estimate."""

    actors: int
    actors_bytes: int

    @classmethod
    def share(cls, settings: Settings, partitions: int) -> Self:
        """A partition's share of what a process may have."""
        shares = (limit // partitions for limit in (settings.actors, settings.actors_bytes))
        return cls(*(max(1, share) for share in shares))


class Actor(msgspec.Struct, gc=False):
    """One aggregate: its state, how many events made it, or why it cannot be loaded.

    It ``waits`` where it is damaged only for the code here, and other code may read its events.
    ``entry`` is the command that the last of them followed from, if that is known. At version
    ``due_at`` its state is to be kept as a snapshot. ``size`` is an estimate, of which ``guessed``
    was never measured.
    """

    decider: Decider[Any]
    state: Any
    version: int = 0
    damage: str = ""
    waits: bool = False
    entry: str = ""
    due_at: int = 0
    size: int = ACTOR_BYTES
    guessed: int = 0

    def evolve(self, events: Iterable[Event]) -> None:
        """Take events in, all or, when one raises, none."""
        state, version = self.state, self.version
        for event in events:
            state, version = self.decider.evolve(state, event), version + 1
        self.state, self.version = state, version


class WarmActors(OrderedDict[str, Actor]):
    """Actors by their aggregates, the one that was used longest ago first.

    Not a plain dict: to find its first key that looks at the places of all that went before.
    """

    def __init__(self, bounds: Bounds) -> None:
        super().__init__()
        self._bounds = bounds
        self.bytes = 0

    def touch(self, wanted: Iterable[str]) -> list[str]:
        """Move what is warm to the young end; returns what is cold."""
        cold: list[str] = []
        for aggregate in wanted:
            if aggregate in self:
                self.move_to_end(aggregate)
            else:
                cold.append(aggregate)
        return cold

    def admit(self, aggregate: str, actor: Actor, event_bytes: int) -> None:
        """Have an actor that was just made, of events with so many bytes."""
        self[aggregate] = actor
        self.bytes += actor.size
        self.grow(actor, event_bytes)

    def grow(self, actor: Actor, event_bytes: int) -> None:
        """Note that an actor has taken in events with so many bytes."""
        more = event_bytes * _BYTES_PER_BYTE
        actor.guessed += more
        actor.size += more
        self.bytes += more
        if actor.guessed > _MEASURE_BYTES and actor.guessed * 2 > actor.size:
            self.bytes -= actor.size
            actor.size, actor.guessed = ACTOR_BYTES + size_of(actor.state), 0
            self.bytes += actor.size

    def evict(self, wanted: int) -> None:
        """Forget the oldest until all is within bounds; never the ``wanted`` youngest."""
        gone = dict.fromkeys(_EVICTED, 0)
        for _ in range(len(self) - wanted):
            if len(self) > self._bounds.actors:
                gone["count"] += 1
            elif self.bytes > self._bounds.actors_bytes:
                gone["bytes"] += 1
            else:
                break
            _, oldest = self.popitem(last=False)
            self.bytes -= oldest.size
        for reason, count in gone.items():
            if count:
                _EVICTED[reason].inc(count)
