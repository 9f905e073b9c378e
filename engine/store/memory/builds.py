"""The generations of read models: which there are, and how one takes another's place."""

from collections.abc import AsyncIterator, Sequence

from engine.core.generations import Generations, read_generations, write_generations
from engine.core.ports.building import Flip, Pair
from engine.store.keys import Keys, of_generation
from engine.store.memory.keyspace import Hash, Keyspace
from engine.store.memory.server import Link


class MemoryBuilds:
    """What is said of generations, and what there is of them."""

    def __init__(self, link: Link, keys: Keys, partitions: int) -> None:
        self._link, self._keys, self._partitions = link, keys, range(partitions)

    async def read(self, projection: str) -> Generations:
        """What is said of a projection's generations; raises `Torn` where it cannot be read."""
        data = await self._link.turn()
        return read_generations(data.hash(self._keys.live(projection)))

    async def projections(self) -> list[str]:
        """The projections that workers have served here, by name."""
        groups = (await self._link.turn()).stream(self._keys.log(0)).groups
        return sorted({group.partition("@")[0] for group in groups})

    async def revise(self, projection: str, new: Generations) -> bool:
        """Write what follows from what was read; False where somebody else was first."""
        return self._revise(await self._link.turn(), projection, new)

    async def flip(self, projection: str, new: Generations, enough: Sequence[int] = ()) -> Flip:
        """The same where ``live`` changes: only if it is behind the one before nowhere."""
        data = await self._link.turn()
        behind = parked = 0
        for partition in self._partitions:
            head = int(data.hash(self._keys.head(partition)).get("position", 0))
            before = self._position(data, projection, new.previous, partition)
            wanted = min(before, head, *enough[partition : partition + 1])
            is_behind = self._position(data, projection, new.live, partition) < wanted
            fields = data.hash(self._keys.parked(partition, projection, new.live))
            behind, parked = behind + is_behind, parked + sum(" " not in name for name in fields)
        if not self._is_due(data, projection, new):
            return Flip(done=False)
        if behind or (parked and not new.accepts_parked):
            return Flip(False, behind, parked)
        self._revise(data, projection, new)
        return Flip(True, 0, parked)

    async def positions(self, projection: str, generation: int) -> list[int]:
        """How far a generation has come in each partition."""
        data = await self._link.turn()
        return [self._position(data, projection, generation, p) for p in self._partitions]

    async def heads(self) -> list[int]:
        """How far each partition's log reaches."""
        data = await self._link.turn()
        heads = (data.hash(self._keys.head(p)) for p in self._partitions)
        return [int(head.get("position", 0)) for head in heads]

    async def pairs(self, projection: str, live: int, previous: int) -> AsyncIterator[list[Pair]]:
        """Every row that one of two generations has; some come twice."""
        for generation in (live, previous):
            data = await self._link.turn()
            prefix = self._keys.row(projection, generation, "")
            rows = [key.removeprefix(prefix) for key in data.keys(prefix)]
            pairs = await self.paired(projection, live, previous, rows)
            yield [pair for pair in pairs if generation == live or not pair.live]

    async def paired(
        self, projection: str, live: int, previous: int, rows: Sequence[str]
    ) -> list[Pair]:
        """Some rows, as two generations have them now."""
        data = await self._link.turn()
        now, before = (self._keys.row(projection, number, "") for number in (live, previous))
        return [
            Pair(row, dict(data.hash(now + row)), dict(data.hash(before + row))) for row in rows
        ]

    async def erase(self, projection: str, generation: int) -> AsyncIterator[int]:
        """Remove a generation, page by page: how many keys were looked at in each."""
        data, keys = await self._link.turn(), self._keys
        doomed = [
            *data.keys(keys.row(projection, generation, "")),
            *data.keys(keys.index(projection, generation, "")),
        ]
        for partition in self._partitions:
            data.stream(keys.log(partition)).groups.pop(f"{projection}@{generation}", None)
            doomed += of_generation(keys, partition, projection, generation)
        for key in doomed:
            data.remove(key)
        yield len(doomed)

    def _position(self, data: Keyspace, projection: str, generation: int, partition: int) -> int:
        key = self._keys.projection(partition, projection, generation)
        return int(data.hash(key).get("position", 0))

    def _is_due(self, data: Keyspace, projection: str, new: Generations) -> bool:
        said = data.hash(self._keys.live(projection)).get("revision", "0")
        return said == str(new.revision - 1)

    def _revise(self, data: Keyspace, projection: str, new: Generations) -> bool:
        if not self._is_due(data, projection, new):
            return False
        key = self._keys.live(projection)
        said = {**data.hash(key), **write_generations(new)}
        data.keep(key, Hash({name: text for name, text in said.items() if text}))
        return True
