"""A whole engine in memory: nodes, a worker and a client, on a server that keeps going away."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import msgspec
import pytest

from engine.core.ports import Session
from engine.core.projection import Projection
from engine.core.schemas.describing import described
from engine.edge.client import Client
from engine.runtime import follower as follower_module
from engine.runtime import node
from engine.runtime import sessions as sessions_module
from engine.runtime.membership import Process
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from handlers.customers import RegisterCustomer
from handlers.sample import sample_orders
from projections.customers import GetCustomer, customers
from projections.orders import orders
from tests.eventually import eventually
from tests.runtime.stage import PARTITIONS, Stage
from tests.shop import Shop

QUICK = {"lease_seconds": 0.3, "heartbeat_seconds": 0.02}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(sessions_module, "_PAUSE_FIRST", 0.001)
    monkeypatch.setattr(sessions_module, "_PAUSE_LIMIT", 0.002)
    monkeypatch.setattr(follower_module, "IDLE_SECONDS", 0.02)


@asynccontextmanager
async def running(stage: Stage, nodes: int = 1) -> AsyncIterator[Client]:
    """Engine nodes, a projection worker and a client; the clock is the real one."""
    stage.server.clock = time.time
    shutdown = Shutdown()
    names = tuple(stage.domain.projections)

    async def engine(name: str, session: Session) -> None:
        process = Process(name, "engine", 0)
        await node.engine(session, stage.domain, stage.settings, process, shutdown, lambda: None)

    async def worker(session: Session) -> None:
        process = Process("w", "worker", 0)
        await node.worker(
            session, stage.domain, stage.settings, names, process, shutdown, lambda: None
        )

    client = Client(stage.domain, wait_seconds=10)
    work: list[Callable[[Session], Awaitable[None]]] = [worker]
    work += (partial(engine, f"n{n}") for n in range(nodes))
    async with anyio.create_task_group() as clients:
        clients.start_soon(work_on_sessions, stage.session, client.work, Shutdown(), 5)
        async with anyio.create_task_group() as roles:
            for role in work:
                roles.start_soon(work_on_sessions, stage.session, role, shutdown, 5)
            yield client
            shutdown.ask()
        clients.cancel_scope.cancel()


async def test_a_command_and_the_view_that_shows_it() -> None:
    stage = Stage(**QUICK)
    async with running(stage) as client:
        aggregate, name = "customer-c-1", "Ada Lovelace"
        outcome = await client.commands.dispatch(RegisterCustomer(name=name), aggregate=aggregate)
        view = await client.queries.dispatch(GetCustomer(customer_id="c-1"), after=outcome)
        assert view.name == name
    schemas = stage.server.data.hash(stage.keys.schemas())
    assert schemas.keys() == {each.field for each in described(stage.domain)}


@pytest.mark.parametrize("nodes", [1, 2])
async def test_a_server_that_keeps_going_away_loses_and_doubles_nothing(nodes: int) -> None:
    lines = list(sample_orders(60))
    stage, shop = Stage(**QUICK, batch_commands=8, projection_batch_events=3), Shop()
    answered: list[str] = []
    async with running(stage, nodes) as client:

        async def submit(line: dict[str, Any]) -> None:
            kind, aggregate, data = line["type"], line["aggregate"], line["data"]
            raw = msgspec.json.encode(data)
            outcome = await client.commands.submit(kind, aggregate, raw, id=line["id"])
            answered.append(outcome.decisive)

        async def answers(count: int) -> None:
            await eventually(lambda: len(answered) >= count, f"{count} commands are answered")

        async def disturb() -> None:
            for n in range(6):
                await answers((n + 1) * len(lines) // 8)
                if n % 2:
                    stage.server.restart()
                else:
                    stage.server.break_sessions()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(disturb)
            for line in lines:
                tasks.start_soon(submit, line)
        for line in lines:
            shop.handle(line)
        await eventually(lambda: caught_up(stage), "every projection has caught up")
    assert answered == ["accepted"] * len(lines)
    assert rows_of(stage, "orders") == expected(shop, orders)
    assert rows_of(stage, "customers") == expected(shop, customers)
    assert each_event_once(stage)


def caught_up(stage: Stage) -> bool:
    data = stage.server.data
    return all(
        data.hash(stage.keys.projection(n, name, 1)).get("position", "0")
        == stage.head(n).get("position", "0")
        for n in range(PARTITIONS)
        for name in (orders.name, customers.name)
    )


def rows_of(stage: Stage, projection: str) -> dict[str, dict[str, str]]:
    """A projection's rows, but for what depends on the time."""
    prefix = stage.keys.row(projection, 1, "")
    dump = stage.server.data.dump()
    return {k.removeprefix(prefix): timeless(row) for k, row in dump.items() if prefix in k}


def timeless(row: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in row.items() if not k.startswith("_") and k != "created_at"}


def expected(shop: Shop, projection: Projection[Any]) -> dict[str, dict[str, str]]:
    return {id: timeless(row) for id, row in shop.read_models.hashes(projection).items()}


def each_event_once(stage: Stage) -> bool:
    """Every command id has one accepted outcome, and every position one event."""
    accepted: Counter[tuple[str, str]] = Counter()
    for n in range(PARTITIONS):
        assert stage.log(n) == [f"{p}-0" for p in range(1, len(stage.log(n)) + 1)]
        for outcome in stage.outcomes(n):
            if outcome.status == "accepted":
                accepted[outcome.aggregate, outcome.id] += 1
    return set(accepted.values()) == {1}
