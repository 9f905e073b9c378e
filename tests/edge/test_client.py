"""The Python SDK on a real server: shared connections, lost connections, its own writes."""

from functools import partial

import anyio
import pytest

import engine
from engine import app, settings
from engine.core.errors import Behind, Lost, Misuse
from engine.core.outcome import Receipt, Status
from engine.edge.bench import wire
from engine.store.feed import STREAMS_EACH
from handlers.customers import RegisterCustomer, RenameCustomer
from handlers.orders import ShipOrder
from projections.customers import GetCustomer
from tests.edge.sdk.connections import connections_of, with_user
from tests.edge.serving import cut_all_connections, served
from tests.eventually import eventually

ADA = RegisterCustomer(name="Ada")


async def test_a_write_is_read_by_whoever_has_its_receipt(valkey_url: str, namespace: str) -> None:
    async with served(valkey_url, namespace) as client:
        await client.commands.dispatch(ADA, aggregate="customer-a")
        for n in range(20):
            renamed = RenameCustomer(name=f"Ada {n}")
            outcome = await client.commands.dispatch(renamed, aggregate="customer-a")
            asked = GetCustomer(customer_id="a")
            seen = await client.queries.dispatch(asked, after=str(outcome.receipt))
            assert seen.name == f"Ada {n}"


async def test_a_view_that_does_not_get_there_says_how_far_it_is(
    valkey_url: str, namespace: str
) -> None:
    async with served(valkey_url, namespace, worker=False) as client:
        outcome = await client.commands.dispatch(ADA, aggregate="customer-a")
        asked = GetCustomer(customer_id="a")
        with pytest.raises(Behind, match="has applied position 0 of partition"):
            await client.queries.dispatch(asked, after=outcome, wait_seconds=0.1)
        with pytest.raises(Misuse, match="no receipt of this namespace"):
            await client.queries.dispatch(asked, after=Receipt(4, 1, "x"))


async def test_what_is_refused_is_raised(valkey_url: str, namespace: str) -> None:
    async with served(valkey_url, namespace, worker=False) as client:
        with pytest.raises(engine.Rejected) as refused:
            await client.commands.dispatch(ShipOrder(), aggregate="order-1")
        assert refused.value.code == "order_unknown"
        await client.commands.dispatch(ADA, aggregate="customer-a", id="once")
        with pytest.raises(engine.VersionConflict, match="is at version 1, not 7"):
            await client.commands.dispatch(
                RenameCustomer(name="B"), aggregate="customer-a", expect=7
            )
        again = await client.commands.dispatch(ADA, aggregate="customer-a", id="once")
        assert (again.status, again.decisive) == (Status.DUPLICATE, Status.ACCEPTED)


async def test_an_id_of_many_bytes_is_answered(valkey_url: str, namespace: str) -> None:
    async with served(valkey_url, namespace, worker=False) as client:
        outcome = await client.commands.dispatch(ADA, aggregate="customer-a", id="é" * 150)
        assert (outcome.status, outcome.id) == (Status.ACCEPTED, "é" * 150)


async def test_connections_that_break_cost_time_and_nothing_else(
    valkey_url: str, namespace: str
) -> None:
    async with served(valkey_url, namespace) as client:
        done: list[str] = []

        async def write_and_read(n: int) -> None:
            customer = f"customer-{n}"
            outcome = await client.commands.dispatch(ADA, aggregate=customer, wait_seconds=30)
            asked = GetCustomer(customer_id=str(n))
            seen = await client.queries.dispatch(asked, after=outcome, wait_seconds=30)
            assert (seen.name, outcome.version) == ("Ada", 1)
            done.append(customer)

        async with anyio.create_task_group() as tasks:
            for n in range(300):
                tasks.start_soon(write_and_read, n)
                if n % 60 == 30:
                    await anyio.to_thread.run_sync(partial(cut_all_connections, valkey_url))
        assert len(set(done)) == 300


async def test_hundreds_of_commands_share_a_few_connections(
    valkey_url: str, namespace: str
) -> None:
    async with served(valkey_url, namespace, worker=False, partitions=64):
        with with_user(valkey_url) as url:
            async with engine.connect(url, namespace=namespace) as client:
                async with anyio.create_task_group() as tasks:
                    for n in range(500):
                        send = partial(client.commands.dispatch, ADA, aggregate=f"customer-{n}")
                        tasks.start_soon(send)
                assert connections_of(url) == 1 + 64 / STREAMS_EACH
            await eventually(lambda: connections_of(url) == 0, "none is left")


async def test_a_replica_is_refused_before_anybody_waits(valkey_url: str, namespace: str) -> None:
    port = int(valkey_url.rpartition(":")[2])
    set_up = settings.load(redis=valkey_url, namespace=namespace, partitions=4)
    async with app.namespace_session(set_up, create=4):
        pass
    wire.ask(port, b"REPLICAOF", b"127.0.0.1", b"1")
    try:
        with pytest.raises(Lost, match="replica"), anyio.fail_after(5):
            async with app.open_client(set_up, app.domain_of(set_up)):
                pass
    finally:
        wire.ask(port, b"REPLICAOF", b"NO", b"ONE")
