"""Whoever serves under a lease in a scenario, and how that ended."""

from typing import Any

import anyio

from engine.core.errors import SemelError
from engine.core.ports import Feed, Subscription
from engine.core.records import Entry
from tests.eventually import eventually


class Tenancy:
    """One acquisition: its token, its tenant, and what it ended with."""

    def __init__(self, tenant: Any, token: str) -> None:
        self.tenant, self.token = tenant, token
        self.ended = anyio.Event()
        self.end: SemelError | None = None

    async def serve(self) -> None:
        """Serve until stopped, or until it must not go on."""
        try:
            await self.tenant.serve(self.token)
        except SemelError as error:
            self.end = error
        finally:
            self.ended.set()

    async def reads(self) -> None:
        """Until it waits for commands."""
        await eventually(lambda: self.tenant._stop is not None, "it reads")

    async def finish(self) -> SemelError | None:
        """Have it finish what is in hand; returns what that ended with."""
        self.tenant.stop()
        await self.ended.wait()
        return self.end


class Frozen:
    """A feed of a process that stands still: what had been read, and nothing more."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._closed = anyio.Event()

    def subscribe(self, _key: str, _after: str) -> Subscription:
        """The one stream there is."""
        return self

    def retire(self) -> None:
        """Nobody else reads."""

    async def take(self, seconds: float | None = None) -> list[Entry] | None:
        """What had been read, once."""
        taken, self._entries = self._entries, []
        if not taken:
            with anyio.move_on_after(seconds):
                await self._closed.wait()
                return None
        return taken

    async def hold(self) -> None:
        """Nothing is read."""

    def rewind(self, _after: str) -> None:
        """There is no way back."""

    def close(self) -> None:
        """Nothing comes any more."""
        self._closed.set()


_is_a_feed: type[Feed] = Frozen
