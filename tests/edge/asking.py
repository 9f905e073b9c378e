"""A client beside a projection of which a test says how far it has come."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from engine.core.outcome import Receipt
from engine.edge.client import Client
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from engine.store.memory import MemorySession
from projections.customers import GetCustomer
from tests.eventually import eventually
from tests.runtime.meddling import Meddler
from tests.runtime.reading import PARTITION, Reading, reading

SECONDS, SOON = 5.0, 0.03
ASKED = GetCustomer(customer_id="c-1")
OLD, NEW = "old", "new"
KEPT = 4
"""How far the server's data reached that came back: the old branch had six events."""


class Asking:
    """A client beside a projection of which a test says how far it has come."""

    def __init__(self, r: Reading, client: Client) -> None:
        self._r, self._client = r, client
        self.looks = 0
        """How often somebody who waits has looked how far the projection is."""

    async def orders(self, position: int, branch: str, seconds: float = SOON) -> int:
        """Ask for the customer's orders after a receipt."""
        receipt = Receipt(PARTITION, position, branch)
        seen = await self._client.queries.dispatch(ASKED, after=receipt, wait_seconds=seconds)
        return seen.order_count

    def applied(self, position: int, branch: str, generation: int = 1) -> None:
        """Have a generation of the projection stand there."""
        key = self._r.stage.keys.projection(PARTITION, "customers", generation)
        stands = {"position": str(position), "command": "0-1", "branch": branch}
        self._r.stage.server.data.put(key, stands)

    def counted(self, orders: int, generation: int) -> None:
        """Have the customer's row in a generation show so many orders."""
        key = self._r.stage.keys.row("customers", generation, "customer-c-1")
        self._r.stage.server.data.put(key, {"order_count": str(orders)})

    def said(self, **fields: str) -> None:
        """Have this said of the projection: which generation is live, what its state is."""
        self._r.stage.server.data.put(self._r.stage.keys.live("customers"), fields)

    async def waits(self) -> None:
        """Until somebody has looked again and again, in vain."""
        upto = self.looks + 3
        await eventually(lambda: self.looks >= upto, "somebody waits")

    def lose(self) -> None:
        """Have the server come back with older data, and an owner note that."""
        note = {b"branch": NEW.encode(), b"from": b"%d" % KEPT, b"server": b"another"}
        self._r.stage.server.add(self._r.stage.keys.branches(PARTITION), note)


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    """Six events on the old branch, applied, and a client."""
    async with reading() as r:
        await r.read(1)
        r.stage.server.data.stream(r.stage.keys.branches(PARTITION)).entries[0].fields.update(  # type: ignore[attr-defined]
            {b"branch": OLD.encode()}
        )
        client = Client(r.stage.domain, SECONDS)
        one = Asking(r, client)

        async def look() -> None:
            one.looks += 1

        @asynccontextmanager
        async def watched() -> AsyncIterator[MemorySession]:
            async with r.stage.session() as session:
                checkpoints: Any = Meddler(session.checkpoints, after={"glance": look})
                session.checkpoints = checkpoints
                yield session

        async with anyio.create_task_group() as tasks:
            work = client.work
            tasks.start_soon(work_on_sessions, watched, work, Shutdown(), SECONDS)
            one.applied(6, OLD)
            yield one
            tasks.cancel_scope.cancel()
