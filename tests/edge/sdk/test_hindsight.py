"""What became of a command whose answer did not come in time."""

import pytest

from engine import Status
from engine.core.errors import Unknown
from engine.edge.hindsight import outcome_on
from engine.store.memory import MemoryServer
from handlers.customers import RegisterCustomer, RenameCustomer
from tests.edge.serving import served, unserved
from tests.edge.test_dispatch import ONE, desk_on

ADA = RegisterCustomer(name="Ada")


async def test_an_unknown_fate_is_found_out(valkey_url: str, namespace: str) -> None:
    async with unserved(valkey_url, namespace) as client:
        with pytest.raises(Unknown) as told:
            await client.commands.dispatch(ADA, aggregate="customer-a", wait_seconds=0.1)
        unknown = told.value
        with pytest.raises(Unknown, match="Submit it again with the same id") as still:
            await client.commands.outcome(unknown.id, aggregate=unknown.aggregate)
        assert (still.value.id, still.value.aggregate) == (unknown.id, "customer-a")
        async with served(valkey_url, namespace, worker=False) as later:
            again = await later.commands.dispatch(ADA, aggregate="customer-a", id=unknown.id)
            assert (again.status, again.decisive) == (Status.DUPLICATE, Status.ACCEPTED)
            for aggregate in ("customer-a", None):
                found = await client.commands.outcome(unknown.id, aggregate=aggregate)
                assert (found.decisive, found.version) == (Status.ACCEPTED, 1)


async def test_any_outcome_is_found_and_what_says_nothing_of_an_id_is_passed_over(
    valkey_url: str, namespace: str
) -> None:
    async with served(valkey_url, namespace, worker=False) as client:
        commands = client.commands
        first = await commands.dispatch(ADA, aggregate="customer-a", id="one")
        reused = await commands.submit("RenameCustomer", "customer-a", b'{"name":"B"}', id="one")
        assert reused.detail["code"] == "id_reused"
        await commands.dispatch(ADA, aggregate="customer-b", id="one")
        assert await commands.outcome("one", aggregate="customer-a") == first
        assert (await commands.outcome("one", aggregate="customer-b")).aggregate == "customer-b"
        refused = await commands.submit("ShipOrder", "order-1", b"{}", id="two")
        assert await commands.outcome("two") == refused
        for n in range(600):
            await commands.dispatch(RenameCustomer(name=f"{n}"), aggregate="customer-a")
        assert await commands.outcome("one", aggregate="customer-a") == first


async def test_of_a_deferred_command_the_late_outcome_is_told() -> None:
    server = MemoryServer()
    now = server.now_ms()
    async with desk_on(server) as (desk, _):
        desk.commit("one", f"{now}-0", status="deferred")
        desk.commit("two", f"{now}-1", status="deferred")
        desk.commit("two", f"{now}-1", late=f"{now}-0")
        waiting = await outcome_on(desk, "one", ONE)
        final = await outcome_on(desk, "two", ONE)
        assert waiting is not None
        assert final is not None
        assert (waiting.status, waiting.entry) == (Status.DEFERRED, f"{now}-0")
        assert (final.status, final.entry, final.late) == (
            Status.ACCEPTED, f"{now}-1", f"{now}-0",
        )  # fmt: skip
        assert await outcome_on(desk, "three", None) is None
