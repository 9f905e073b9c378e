"""Snapshots of one partition's aggregates, in memory."""

import re
from collections.abc import Sequence

from engine.core.errors import Fenced
from engine.core.records import Keeping, Recalled
from engine.store.entries import stored
from engine.store.keys import Keys
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.ownership import is_held
from engine.store.memory.server import Link

_HEADER = re.compile(r'\{"version":(\d+),"entry":"\d+-\d+","schema":"([0-9a-f]+)"')
_BEGINNING = 200
"""Both as recall.lua has them."""


class MemorySnapshots:
    """For the one who holds the partition's lease under ``token``."""

    def __init__(self, link: Link, keys: Keys, partition: int, token: str) -> None:
        self._link, self._keys = link, keys
        self._partition, self._token = partition, token

    async def recall(self, aggregates: Sequence[str], schemas: Sequence[str]) -> list[Recalled]:
        """Aggregates from their snapshots on; see `engine.core.ports.Snapshots`."""
        data = await self._link.turn()
        return [
            self._recalled(data, aggregate, schema)
            for aggregate, schema in zip(aggregates, schemas, strict=True)
        ]

    async def keep(self, keepings: Sequence[Keeping]) -> int:
        """Write snapshots; see `engine.core.ports.Snapshots`."""
        data, partition = await self._link.turn(), self._partition
        if not is_held(data, self._keys.lease(partition), self._token):
            raise Fenced("the lease is not ours")
        kept = 0
        for aggregate, version, text in keepings:
            entries = data.stream(self._keys.events(partition, aggregate)).after(f"{version - 1}-0")
            if entries and entries[0].id == f"{version}-0":
                data.plant(self._keys.snapshot(partition, aggregate), text.decode())
                kept += 1
        return kept

    def _recalled(self, data: Keyspace, aggregate: str, schema: str) -> Recalled:
        stream = data.stream(self._keys.events(self._partition, aggregate))
        kept, above, length = None, "0-0", 0
        if schema and stream.entries:
            kept = data.text(self._keys.snapshot(self._partition, aggregate))
        if kept is not None:
            header, length = _HEADER.match(kept), len(stream.entries)
            if header is not None and header[2] == schema:
                above = f"{int(header[1]) - 1}-0"
            else:
                kept = kept[:_BEGINNING]
        events = [stored(entry) for entry in stream.after(above)]
        return Recalled(None if kept is None else kept.encode(), length, events)
