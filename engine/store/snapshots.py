"""Snapshots of one partition's aggregates."""

from collections.abc import Awaitable, Callable, Sequence

from engine.core.records import Keeping, Recalled, StoredEvent
from engine.store.connection import Argument
from engine.store.entries import stored_raw
from engine.store.keys import Keys
from engine.store.scripts import Scripts

RECALL_EVENTS = 1000
"""Events of one aggregate in one reply; where there are more, the rest is read in several."""

Load = Callable[[Sequence[str], Sequence[int]], Awaitable[list[list[StoredEvent]]]]
"""What reads events above a version of each aggregate."""


class RedisSnapshots:
    """For the one who holds the partition's lease under ``token``."""

    def __init__(
        self, scripts: Scripts, keys: Keys, partition: int, token: str, load: Load
    ) -> None:
        self._scripts, self._token, self._load = scripts, token, load
        self._lease = keys.lease(partition)
        self._events, self._snapshot = keys.events(partition, ""), keys.snapshot(partition, "")
        """What the keys of this partition's aggregates begin with."""

    async def recall(self, aggregates: Sequence[str], schemas: Sequence[str]) -> list[Recalled]:
        """Aggregates from their snapshots on; see `engine.core.ports.Snapshots`."""
        keys = [key for aggregate in aggregates for key in self._pair(aggregate)]
        replies = await self._scripts.call("recall", keys, [RECALL_EVENTS, *schemas])
        found = []
        for aggregate, (snapshot, length, raw) in zip(aggregates, replies, strict=True):
            events = list(map(stored_raw, raw))
            if len(events) == RECALL_EVENTS:
                [rest] = await self._load([aggregate], [events[-1].version])
                events += rest
            found.append(Recalled(snapshot, length, events))
        return found

    async def keep(self, keepings: Sequence[Keeping]) -> int:
        """Write snapshots; see `engine.core.ports.Snapshots`."""
        keys, arguments = [self._lease], list[Argument]([self._token])
        for aggregate, version, text in keepings:
            keys += self._pair(aggregate)
            arguments += (version, text)
        return int(await self._scripts.call("snapshot", keys, arguments))

    def _pair(self, aggregate: str) -> tuple[str, str]:
        return self._events + aggregate, self._snapshot + aggregate
