"""Streams that are mended in tests: a partition's commands, and the inbox."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.core.records import Mended
from tests.contract.owners import TOKEN
from tests.contract.stores import Store

FAR = 9_999_999_999_999
TOP = 2**64 - 1
SECOND = 1000


class Mending:
    """One of the two streams that are mended, its dead letters, and how."""

    def __init__(
        self,
        store: Store,
        source: str,
        key: str,
        dead: str,
        call: Callable[[str], Awaitable[Mended]],
    ) -> None:
        self.store, self.source, self.key, self.dead = store, source, key, dead
        self._call = call

    async def __call__(self, done: str = "0-0") -> tuple[Sequence[str], int]:
        """Mend; answers who went to the dead letters, and how many were added again."""
        found = await self._call(done)
        left = self.ids() if self.key in self.store.dump() else []
        assert found.last == (left[-1] if left else done)
        return found.dead, found.again

    def add(self, name: str, id: str = "*") -> str:
        """Add an entry that can be told from others."""
        return self.store.add(self.key, {"id": name, "type": "T"}, id)

    def names(self) -> list[str]:
        """What is in the stream."""
        return [fields[b"id"].decode() for _, fields in self.store.dump()[self.key][0]]

    def ids(self) -> list[str]:
        """The ids in the stream."""
        return [id for id, _ in self.store.dump()[self.key][0]]

    def letters(self) -> list[dict[str, Any]]:
        """The dead letters, with what was wrong read."""
        found = self.store.dump().get(self.dead, ([], {}))[0]
        said = [{name.decode(): value for name, value in fields.items()} for _, fields in found]
        return [one | {"error": json.loads(one["error"])} for one in said]


async def mending(store: Store, about: str, session: Any, token: str = TOKEN) -> Mending:
    """The stream to mend, under its lease."""
    if about == "commands":
        await session.leases.acquire(session.partition_lease(1), "node", TOKEN, 30)
        keys = store.keys.commands(1), store.keys.dead(1)
        return Mending(store, "command", *keys, session.ledger(1, token).mend)
    await session.leases.acquire(session.inbox_lease(), "node", TOKEN, 30)
    keys = store.keys.inbox(), store.keys.inbox_dead()
    return Mending(store, "inbox", *keys, lambda done: session.inbox().mend(done, token))
