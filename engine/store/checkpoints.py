"""How far the generations of read models have come, as those read who wait, and operators."""

from engine.core.branches import Branch
from engine.core.codec import logged
from engine.core.generations import PAUSED
from engine.core.parking import read_note
from engine.core.ports.querying import Glance, Reached
from engine.core.records import Checkpoint
from engine.store.connection import Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys
from engine.store.logs import CHECKPOINT_FIELDS, checkpoint_of, read_branches, read_checkpoint


class RedisCheckpoints:
    """How far generations have come in each partition."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self._keys = control, keys

    async def glance(
        self, projection: str, generation: int, partition: int, aggregate: str = ""
    ) -> Glance:
        """Which generation is live and how far another has come, in one round trip."""
        call, keys = self._control.call, self._keys
        said = call("HMGET", keys.live(projection), "live", "state")
        reached = call(
            "HMGET", keys.projection(partition, projection, generation), *CHECKPOINT_FIELDS
        )
        # Notes after the checkpoint: what was passed over up to there has been noted by then.
        note = call("HGET", keys.parked(partition, projection, generation), aggregate)
        live, state = await said
        return Glance(
            int(live or 1), state == PAUSED.encode(), checkpoint_of(await reached),
            _parked_at(await note),
        )  # fmt: skip

    async def applied(self, projection: str, generation: int, partition: int) -> Checkpoint:
        """A generation's checkpoint in a partition."""
        key = self._keys.projection(partition, projection, generation)
        return await read_checkpoint(self._control, key)

    async def reached(self, projection: str, generation: int, partitions: int) -> list[Reached]:
        """How far a generation has come and what it has told, in each partition."""
        keys = [self._keys.projection(each, projection, generation) for each in range(partitions)]
        replies = [self._control.call("HMGET", key, "position", "changed") for key in keys]
        said = [await reply for reply in replies]
        return [Reached(int(position or 0), (id or b"0-0").decode()) for position, id in said]

    async def parked_at(
        self, projection: str, generation: int, partition: int, position: int
    ) -> str:
        """The parked aggregate that keeps the event at a position from its rows; empty if none."""
        key = self._keys.parked(partition, projection, generation)
        if not await self._control.call("HLEN", key):
            return ""
        id = f"{position}-0"
        raw = await self._control.call("XRANGE", self._keys.log(partition), id, id)
        aggregate = logged(*entries_of(raw)).aggregate if raw else ""
        first = _parked_at(await self._control.call("HGET", key, aggregate))
        return aggregate if 0 < first <= position else ""

    async def branches(self, partition: int) -> list[Branch]:
        """The servers that a partition's history was written on, the last one last."""
        return await read_branches(self._control, self._keys.branches(partition))


def _parked_at(note: bytes | None) -> int:
    return read_note(note).position if note else 0
