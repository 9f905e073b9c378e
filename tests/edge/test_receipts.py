"""A query with a receipt: it waits for what exists, and says so where that is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from engine.core.errors import Behind, HistoryLost
from engine.core.outcome import Receipt
from engine.edge.client import Client
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from projections.customers import GetCustomer
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

    async def orders(self, position: int, branch: str, seconds: float = SOON) -> int:
        """Ask for the customer's orders after a receipt."""
        receipt = Receipt(PARTITION, position, branch)
        seen = await self._client.queries.dispatch(ASKED, after=receipt, wait_seconds=seconds)
        return seen.order_count

    def applied(self, position: int, branch: str) -> None:
        """Have the projection stand there."""
        key = self._r.stage.keys.projection(PARTITION, "customers", 1)
        self._r.stage.server.data.put(key, {"position": str(position), "branch": branch})

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
        async with anyio.create_task_group() as tasks:
            work = client.work
            tasks.start_soon(work_on_sessions, r.stage.session, work, Shutdown(), SECONDS)
            one = Asking(r, client)
            one.applied(6, OLD)
            yield one
            tasks.cancel_scope.cancel()


async def test_what_was_reached_is_read_at_once() -> None:
    async with asking() as one:
        assert await one.orders(6, OLD, seconds=0) == 2
        assert await one.orders(0, "any", seconds=0) == 2
        with pytest.raises(Behind, match="asks for 7"):
            await one.orders(7, OLD)


async def test_what_the_server_kept_is_waited_for_and_read() -> None:
    async with asking() as one:
        one.lose()
        one.applied(2, OLD)
        with pytest.raises(Behind):
            await one.orders(KEPT, OLD)
        one.applied(KEPT + 1, NEW)
        assert await one.orders(KEPT, OLD) == 2
        assert await one.orders(KEPT + 1, NEW) == 2
        with pytest.raises(Behind):
            await one.orders(KEPT + 2, NEW)


@pytest.mark.parametrize("position", [KEPT + 1, 6])
@pytest.mark.parametrize("applied", [0, KEPT, KEPT + 1, 100])
async def test_what_the_server_lost_is_named_and_not_waited_for(
    position: int, applied: int
) -> None:
    async with asking() as one:
        one.lose()
        one.applied(applied, NEW)
        with pytest.raises(HistoryLost, match=rf"{PARTITION}\.{position}\.old .*same id"):
            with anyio.fail_after(SECONDS / 2):
                await one.orders(position, OLD, SECONDS)


async def test_what_the_server_lost_is_lost_though_nothing_happened_since() -> None:
    """The projection stands where the old branch ends, and the new one has no event yet."""
    async with asking() as one:
        one.lose()
        one.applied(KEPT, OLD)
        with pytest.raises(HistoryLost):
            await one.orders(KEPT + 1, OLD)


async def test_a_branch_that_nobody_knows_is_lost() -> None:
    async with asking() as one:
        with pytest.raises(HistoryLost):
            await one.orders(1, "unknown")
