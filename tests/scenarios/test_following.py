"""Live views while everything is cut, killed and restarted: who follows misses nothing."""

import json
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
from redis import Redis

from engine import app, settings
from engine.core.digest import code_digest
from engine.edge.binary import Binary
from engine.edge.client import Client
from engine.edge.follow import Update
from handlers.customers import RegisterCustomer, RenameCustomer
from handlers.orders import CreateOrder, ShipOrder
from projections.customers import GetCustomer, customers
from projections.orders import GetOrderById, GetOrdersByCustomer
from tests.edge.command_line import Daemon, Semel
from tests.edge.serving import cut_all_connections, served
from tests.eventually import eventually
from tests.faults.clock import Clock
from tests.faults.program import ending
from tests.faults.server import Server

pytestmark = pytest.mark.timeout(120)

CUSTOMERS, ORDERS = 10, 300
ORDER = CreateOrder.model_validate({
    "customer_id": "c-0",
    "items": [{"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}],
    "shipping_address": {"street": "1 Main", "city": "Reims", "country": "FR"},
})  # fmt: skip


async def place(client: Client, n: int) -> None:
    """One order more; every third is shipped at once."""
    order = ORDER.model_copy(update={"customer_id": f"c-{n % CUSTOMERS}"})
    await client.commands.dispatch(order, aggregate=f"order-{n}", wait_seconds=60)
    if n % 3 == 0:
        await client.commands.dispatch(ShipOrder(), aggregate=f"order-{n}", wait_seconds=60)


async def place_all(url: str, client: Client, cuts: int) -> None:
    """All orders but the first, many at a time, while all connections are cut again and again."""
    many = anyio.CapacityLimiter(20)

    async def one(n: int) -> None:
        async with many:
            await place(client, n)

    async with anyio.create_task_group() as tasks:
        for n in range(1, ORDERS):
            tasks.start_soon(one, n)
        for _ in range(cuts):
            await anyio.to_thread.run_sync(cut_all_connections, url)
            await placed_some_more(client)


async def placed_some_more(client: Client) -> None:
    """Until another order of the first customer is seen."""
    before: list[int] = []
    async for update in client.queries.follow(GetCustomer(customer_id="c-0")):
        before.append(update.answer.order_count if update.answer else 0)
        if len(set(before)) == 2 or before[-1] == ORDERS // CUSTOMERS:
            return


def connections(url: str) -> int:
    """How many connections of ours the server has."""
    with Redis.from_url(url, protocol=2) as redis:
        return len([each for each in redis.client_list() if each["name"] == "semel"])


async def test_cut_off_again_and_again_followers_see_what_queries_see(
    valkey_url: str, namespace: str
) -> None:
    async with served(valkey_url, namespace) as client:
        told: dict[str, list[Any]] = {}

        async def follow(name: str, updates: AsyncIterator[Update[Any]]) -> None:
            async for update in updates:
                told.setdefault(name, []).append(update.answer)

        asked: dict[str, Any] = {
            **{f"customer {n}": GetCustomer(customer_id=f"c-{n}") for n in range(CUSTOMERS)},
            **{f"order {n}": GetOrderById(order_id=f"order-{n}") for n in range(ORDERS)},
            **{
                f"shipped {n}": GetOrdersByCustomer(customer_id=f"c-{n}", status="shipped")
                for n in range(CUSTOMERS)
            },
        }
        await place(client, 0)
        before = await anyio.to_thread.run_sync(connections, valkey_url)
        async with anyio.create_task_group() as tasks:
            for name, query in asked.items():
                tasks.start_soon(follow, name, client.queries.follow(query))
            row = "customer-c-0"
            tasks.start_soon(follow, row, client.queries.follow_row(customers, row))
            await eventually(lambda: len(told) == len(asked) + 1, "all follow")
            # They share their streams, and those a connection or two.
            assert await anyio.to_thread.run_sync(connections, valkey_url) <= before + 1
            await place_all(valkey_url, client, cuts=5)
            for name, query in asked.items():
                right = await answer(client, query)
                await eventually(partial(ends_with, told[name], right), f"{name} is right")
            tasks.cancel_scope.cancel()
        for n in range(CUSTOMERS):
            counts = [each.order_count if each else 0 for each in told[f"customer {n}"]]
            assert counts[-1] == ORDERS // CUSTOMERS
            assert all(a < b for a, b in pairwise(counts)), "no count comes again, or goes back"
        assert told[row][-1] == told["customer 0"][-1]


async def test_rebuilds_are_followed_while_orders_come(valkey_url: str, namespace: str) -> None:
    set_up = settings.load(redis=valkey_url, namespace=namespace)
    counts: list[int] = []
    seen, flips, digest = counts.append, 3, code_digest(customers)

    async def follow(client: Client) -> None:
        async for update in client.queries.follow(GetCustomer(customer_id="c-0")):
            seen(update.answer.order_count if update.answer else 0)

    async with served(valkey_url, namespace) as client, app.namespace_session(set_up) as session:

        async def rebuild() -> None:
            found = await session.builds.read(customers.name)
            begun = found.begun(digest, await session.now_ms(), max_load=0.9)
            assert await session.builds.revise(customers.name, begun)
            while await session.rows.live(customers.name) != begun.building:
                await place(client, len(placed) * CUSTOMERS)
                placed.append(begun.building)

        placed: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, client)
            await place(client, 1)
            for _ in range(flips):
                await rebuild()
            await eventually(lambda: counts[-1:] == [len(placed)], "all orders are seen")
            tasks.cancel_scope.cancel()
        assert await session.rows.live(customers.name) > flips
        assert all(a < b for a, b in pairwise(counts)), "no count comes again, or goes back"


def ends_with(answers: list[Any], right: Any) -> bool:
    return bool(answers[-1] == right)


async def answer(client: Client, query: Any) -> Any:
    return await client.queries.dispatch(query, wait_seconds=30)


@pytest.fixture
def semel(valkey_url: str, namespace: str) -> Semel:
    return Semel(valkey_url, namespace)


def lines_of(following: Daemon) -> Iterator[dict[str, Any]]:
    return map(json.loads, following.shown())


async def test_killed_followers_go_on_in_other_processes(semel: Semel) -> None:
    counts: list[int] = []
    words = ["query", "GetCustomer", "customer_id=c-0", "--follow", "-o", "jsonl"]

    def see(least: int, token: str | None) -> str:
        """Follow until so many orders are seen, and die."""
        with semel.daemon(*words, *(["--from", token] if token else [])) as following:
            for told in lines_of(following):
                assert told["token"] != token, "what was told is not told again"
                counts.append(told["answer"]["order_count"] if told["answer"] else 0)
                token = told["token"]
                if counts[-1] >= least:
                    following.send(signal.SIGKILL)
                    return str(token)
        raise AssertionError("it ended by itself")

    async with served(semel.redis, semel.namespace) as client:
        token = None
        placed = 0
        for least in (0, 20, 60, 61, 100):
            async with anyio.create_task_group() as tasks:
                for n in range(placed, least):
                    tasks.start_soon(place, client, n * CUSTOMERS)
                placed = least
                token = await anyio.to_thread.run_sync(see, least, token)
    assert counts[-1] == 100
    assert all(a < b for a, b in pairwise(counts))


async def test_a_server_that_is_killed_and_comes_back_is_followed_on(
    valkey_binary: Binary, tmp_path: Path, namespace: str
) -> None:
    server = Server(valkey_binary, tmp_path, "server", Clock(tmp_path))
    semel = Semel(server.url, namespace)
    words = ["query", "GetCustomer", "customer_id=a", "--follow", "-o", "jsonl"]
    names: list[str] = []
    with ending([server.program]):
        await server.start()
        async with served(server.url, namespace) as client:

            async def write(name: str) -> None:
                command = RenameCustomer(name=name) if names else RegisterCustomer(name=name)
                await client.commands.dispatch(command, aggregate="customer-a", wait_seconds=60)

            def see(following: Daemon, name: str) -> None:
                told = next(line for line in lines_of(following) if line["answer"])
                names.append(told["answer"]["name"])
                assert names[-1] == name

            with semel.daemon(*words) as following:
                for n in range(4):
                    await write(f"Ada {n}")
                    await anyio.to_thread.run_sync(see, following, f"Ada {n}")
                    server.program.kill()
                    await server.start()
                ended = await anyio.to_thread.run_sync(following.stop, signal.SIGINT)
            assert (ended.code, ended.out) == (0, "")
            assert "session.broken" in ended.err
            assert "Traceback" not in ended.err
