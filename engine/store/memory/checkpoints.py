"""How far the generations of read models have come, as those read who wait, and operators."""

from engine.core.branches import Branch
from engine.core.generations import PAUSED
from engine.core.parking import read_note
from engine.core.ports.querying import Glance, Reached
from engine.core.records import Checkpoint
from engine.store.keys import Keys
from engine.store.memory.logs import read_branches, read_checkpoint, read_event
from engine.store.memory.server import Link


class MemoryCheckpoints:
    """How far generations have come in each partition."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def glance(
        self, projection: str, generation: int, partition: int, aggregate: str = ""
    ) -> Glance:
        """Which generation is live and how far another has come, in one round trip."""
        applied = await self.applied(projection, generation, partition)
        said = self._link.data().hash(self._keys.live(projection))
        parked_at = self._parked_from(projection, generation, partition, aggregate)
        return Glance(int(said.get("live", 1)), said.get("state") == PAUSED, applied, parked_at)

    async def applied(self, projection: str, generation: int, partition: int) -> Checkpoint:
        """A generation's checkpoint in a partition."""
        key = self._keys.projection(partition, projection, generation)
        return read_checkpoint(await self._link.turn(), key)

    async def reached(self, projection: str, generation: int, partitions: int) -> list[Reached]:
        """How far a generation has come and what it has told, in each partition."""
        data = await self._link.turn()
        keys = [self._keys.projection(each, projection, generation) for each in range(partitions)]
        held = [data.hash(key) for key in keys]
        return [Reached(int(one.get("position", 0)), one.get("changed", "0-0")) for one in held]

    async def parked_at(
        self, projection: str, generation: int, partition: int, position: int
    ) -> str:
        """The parked aggregate that keeps the event at a position from its rows; empty if none."""
        event = read_event(await self._link.turn(), self._keys.log(partition), position)
        aggregate = event.aggregate if event else ""
        first = self._parked_from(projection, generation, partition, aggregate)
        return aggregate if 0 < first <= position else ""

    async def branches(self, partition: int) -> list[Branch]:
        """The servers that a partition's history was written on, the last one last."""
        return read_branches(await self._link.turn(), self._keys.branches(partition))

    def _parked_from(self, projection: str, generation: int, partition: int, aggregate: str) -> int:
        """The position from which an aggregate's events are passed over; 0 for none."""
        notes = self._link.data().hash(self._keys.parked(partition, projection, generation))
        return read_note(notes[aggregate]).position if aggregate in notes else 0
