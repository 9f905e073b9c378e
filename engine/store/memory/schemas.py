"""The schemas in use, as engines have recorded them."""

from collections.abc import Mapping

from engine.store.keys import Keys
from engine.store.memory.server import Link


class MemorySchemas:
    """What is recorded of events and commands."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def read(self) -> dict[str, str]:
        """All that is recorded."""
        return dict((await self._link.turn()).hash(self._keys.schemas()))

    async def record(self, schemas: Mapping[str, str]) -> None:
        """Record schemas; one that is recorded stays as it is."""
        data, key = await self._link.turn(), self._keys.schemas()
        data.put(key, {**schemas, **data.hash(key)})
