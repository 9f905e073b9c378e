"""The generations of read models: which there are, and how one takes another's place."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from engine.core.generations import Generations, read_generations, write_generations
from engine.core.ports.building import Flip, Pair
from engine.store.connection import Argument, Connection
from engine.store.keys import Keys, of_generation
from engine.store.logs import texts
from engine.store.scripts import Scripts

PAGE_LIMIT = 500
"""Keys looked at in one step: well under a millisecond of Redis's time."""


class RedisBuilds:
    """What is said of generations, and what there is of them."""

    def __init__(self, control: Connection, scripts: Scripts, keys: Keys, partitions: int) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys
        self._partitions = range(partitions)

    async def read(self, projection: str) -> Generations:
        """What is said of a projection's generations; raises `Torn` where it cannot be read."""
        fields = await self._control.call("HGETALL", self._keys.live(projection))
        return read_generations(texts(fields))

    async def projections(self) -> list[str]:
        """The projections that workers have served here, by name."""
        log = self._keys.log(0)
        if not await self._control.call("EXISTS", log):
            return []
        groups = await self._control.call("XINFO", "GROUPS", log)
        names = (dict(zip(group[::2], group[1::2], strict=True))[b"name"] for group in groups)
        return sorted({name.decode().partition("@")[0] for name in names})

    async def revise(self, projection: str, new: Generations) -> bool:
        """Write what follows from what was read; False where somebody else was first."""
        said = [str(new.revision - 1), *_flat(new)]
        return bool(await self._scripts.call("revise", [self._keys.live(projection)], said))

    async def flip(self, projection: str, new: Generations, enough: Sequence[int] = ()) -> Flip:
        """The same where ``live`` changes: only if it is behind the one before nowhere."""
        keys = [self._keys.live(projection)]
        for partition in self._partitions:
            keys += [
                self._keys.projection(partition, projection, new.live),
                self._keys.projection(partition, projection, new.previous),
                self._keys.parked(partition, projection, new.live),
                self._keys.head(partition),
            ]
        marks = msgspec.json.encode(list(enough)) if enough else ""
        said = [str(new.revision - 1), "1" if new.accepts_parked else "", marks, *_flat(new)]
        done, behind, parked = await self._scripts.call("flip", keys, said)
        return Flip(done == 1, behind, parked)

    async def positions(self, projection: str, generation: int) -> list[int]:
        """How far a generation has come in each partition."""
        keys = [self._keys.projection(p, projection, generation) for p in self._partitions]
        return await self._positions(keys)

    async def heads(self) -> list[int]:
        """How far each partition's log reaches."""
        return await self._positions([self._keys.head(p) for p in self._partitions])

    async def pairs(self, projection: str, live: int, previous: int) -> AsyncIterator[list[Pair]]:
        """Every row that one of two generations has; some come twice."""
        for generation in (live, previous):
            prefix = self._keys.row(projection, generation, "")
            async for page in self._scan(f"{prefix}*"):
                rows = [key.decode().removeprefix(prefix) for key in page]
                pairs = await self.paired(projection, live, previous, rows)
                # Those that the live one has came with it.
                yield [p for p in pairs if generation == live or not p.live]

    async def paired(
        self, projection: str, live: int, previous: int, rows: Sequence[str]
    ) -> list[Pair]:
        """Some rows, as two generations have them now."""
        replies = [
            [self._control.call("HGETALL", self._keys.row(projection, number, row)) for row in rows]
            for number in (live, previous)
        ]
        return [
            Pair(row, texts(await now), texts(await before))
            for row, now, before in zip(rows, *replies, strict=True)
        ]

    async def erase(self, projection: str, generation: int) -> AsyncIterator[int]:
        """Remove a generation, page by page: how many keys were looked at in each."""
        keys, name = self._keys, f"{projection}@{generation}"
        prefixes = (keys.row(projection, generation, ""), keys.index(projection, generation, ""))
        ours = tuple(prefix.encode() for prefix in prefixes)
        async for page in self._scan(f"{keys.namespace}:[vi]*:{name}:*"):
            doomed = [key for key in page if key.startswith(ours)]
            if doomed:
                await self._control.call("UNLINK", *doomed)
            yield len(doomed)
        for partition in self._partitions:
            destroyed = self._control.call("XGROUP", "DESTROY", keys.log(partition), name)
            there = of_generation(keys, partition, projection, generation)
            await self._control.call("UNLINK", *there)
            await destroyed
            yield 1

    async def _positions(self, keys: list[str]) -> list[int]:
        replies = [self._control.call("HGET", key, "position") for key in keys]
        return [int(await reply or 0) for reply in replies]

    async def _scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """Keys, in pages; a page without any is passed on too, for whoever paces this."""
        cursor = b"0"
        while True:
            cursor, page = await self._control.call(
                "SCAN", cursor, "MATCH", pattern, "COUNT", PAGE_LIMIT
            )
            yield page
            if cursor == b"0":
                return


def _flat(generations: Generations) -> list[Argument]:
    return [part for pair in write_generations(generations).items() for part in pair]
