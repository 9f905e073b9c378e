"""The schemas in use, as engines have recorded them."""

from collections.abc import Mapping

from engine.store.connection import Connection
from engine.store.keys import Keys
from engine.store.logs import texts


class RedisSchemas:
    """What is recorded of events and commands."""

    def __init__(self, control: Connection, keys: Keys) -> None:
        self._control, self._keys = control, keys

    async def read(self) -> dict[str, str]:
        """All that is recorded."""
        return texts(await self._control.call("HGETALL", self._keys.schemas()))

    async def record(self, schemas: Mapping[str, str]) -> None:
        """Record schemas; one that is recorded stays as it is."""
        key = self._keys.schemas()
        replies = [self._control.call("HSETNX", key, *pair) for pair in schemas.items()]
        for reply in replies:
            await reply
