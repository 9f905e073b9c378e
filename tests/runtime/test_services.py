"""Services are opened in order and closed in reverse, and serve whoever decides."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

import handlers
import projections
from engine import Command, Decider, Event, Ids, Queries, Rejected, ServiceContext
from engine.core import registry
from engine.core.errors import Lost, Misuse, NotFound, ServiceFailed
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.edge.asking import LiveQueries
from engine.edge.client import Client
from engine.runtime import node
from engine.runtime.membership import Process
from engine.runtime.services import services_of
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from handlers.customers import RegisterCustomer
from projections.customers import GetCustomer
from tests.eventually import eventually
from tests.runtime.stage import Stage
from tests.shop import NO_FULFILMENT

seen: list[str] = []


class Bell:
    def __init__(self, tone: str) -> None:
        self.tone = tone


class Greet(Command):
    customer_id: str


class Greeted(Event):
    words: str
    greeting: str


async def bell(context: ServiceContext) -> AsyncIterator[Bell]:
    seen.append(f"opens {context.name}")
    async with anyio.create_task_group():  # services may have tasks of their own
        try:
            yield Bell(context.settings.get("tone", "ding"))
        finally:
            seen.append("closes bell")


async def rope(context: ServiceContext) -> AsyncIterator[int]:
    seen.append("opens rope")
    if "broken" in context.settings:
        raise OSError("it is torn")
    yield 1
    seen.append("closes rope")


async def greet(
    command: Greet, _state: None, bell: Bell, queries: Queries, ids: Ids
) -> list[Greeted]:
    try:
        found = await queries.ask_named("GetCustomer", customer_id=command.customer_id)
    except NotFound as error:
        raise Rejected("stranger", str(error)) from error
    assert await queries.ask(GetCustomer(customer_id=command.customer_id)) == found
    return [Greeted(f"{bell.tone}, {found.name}", ids.new())]


def evolve(state: None, _event: Greeted) -> None:
    return state


@pytest.fixture(autouse=True)
def domain() -> Domain:
    seen.clear()
    door = Decider(kind="door", initial=None, decide=[greet], evolve=evolve)
    return registry.build(
        deciders=[*handlers.deciders, door],
        services=[bell, rope, *NO_FULFILMENT],
        projections=projections.projections,
        queries=projections.queries,
    )


async def test_they_are_opened_in_order_and_closed_in_reverse(domain: Domain) -> None:
    async with services_of(domain, {}, LiveQueries(domain)):
        assert seen == ["opens bell", "opens rope"]
    assert seen[2:] == ["closes rope", "closes bell"]


async def test_one_that_raises_ends_the_start_and_the_others_are_closed(domain: Domain) -> None:
    with pytest.raises(ServiceFailed, match=r"the service rope .* OSError: it is torn"):
        async with services_of(domain, {"rope": {"broken": True}}, LiveQueries(domain)):
            pytest.fail("it started")
    assert seen == ["opens bell", "opens rope", "closes bell"]


async def test_settings_of_a_service_that_is_none_are_misuse(domain: Domain) -> None:
    with pytest.raises(Misuse, match=r"the service gong.* there are: bell, rope"):
        async with services_of(domain, {"gong": {}}, LiveQueries(domain)):
            pytest.fail("it started")
    assert not seen


async def test_queries_wait_for_a_session_once_there_was_one(domain: Domain) -> None:
    queries = LiveQueries(domain)
    asked = partial(queries.ask_named, "GetCustomer", customer_id="c-1")
    with pytest.raises(Misuse, match="not while services open"):
        await asked()
    answers: list[str] = []

    async def ask() -> None:
        try:
            await asked()
        except NotFound as error:
            answers.append(str(error))

    stage = Stage()
    async with stage.session() as session, anyio.create_task_group() as tasks:
        with queries.on(_Broken()):  # type: ignore[arg-type]
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
        assert not answers
        with queries.on(session):
            await eventually(lambda: answers, "it is asked on the next session")
    with pytest.raises(Misuse, match="GetCustomer cannot be asked like that"):
        await queries.ask_named("GetCustomer", name="Ada")


class _Broken:
    """A session that has just broken."""

    class rows:  # noqa: N801
        @staticmethod
        async def live(_name: str) -> int:
            raise Lost("gone")


@asynccontextmanager
async def serving(stage: Stage, domain: Domain) -> AsyncIterator[Client]:
    """An engine with services, a worker and a client, on a server in memory."""
    stage.server.clock = time.time
    shutdown, client, queries = Shutdown(), Client(domain, 10), LiveQueries(domain)

    async def engine(session: Session) -> None:
        about = (stage.settings, Process("e", "engine", 0), shutdown)
        with queries.on(session):
            await node.engine(session, served, *about, lambda: None)

    async def worker(session: Session) -> None:
        about = (stage.settings, tuple(domain.projections), Process("w", "worker", 0), shutdown)
        await node.worker(session, domain, *about, lambda: None)

    tables: Any = {"bell": {"tone": "dong"}}
    async with services_of(domain, tables, queries) as served, anyio.create_task_group() as tasks:
        for work in (engine, worker, client.work):
            tasks.start_soon(work_on_sessions, stage.session, work, shutdown, 5)
        yield client
        tasks.cancel_scope.cancel()


async def test_a_decider_is_handed_what_was_opened_and_asks_the_read_side(domain: Domain) -> None:
    stage = Stage(lease_seconds=0.3, heartbeat_seconds=0.02)
    async with serving(stage, domain) as client:
        with pytest.raises(Rejected, match="stranger"):
            await client.commands.dispatch(Greet(customer_id="c-1"), aggregate="door-1")
        known = RegisterCustomer(name="Ada")
        ada = await client.commands.dispatch(known, aggregate="customer-c-1")
        await client.queries.dispatch(GetCustomer(customer_id="c-1"), after=ada)
        greeted = await client.commands.dispatch(Greet(customer_id="c-1"), aggregate="door-1")
    key = stage.keys.events(greeted.receipt.partition, "door-1")
    [event] = stage.server.data.stream(key).entries
    assert b'"words":"dong, Ada"' in event.fields[b"data"]
