"""A client whose calls are cancelled anywhere goes on as if they had never been made."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

import engine
from engine import Submit
from engine.edge.client import Client
from handlers.customers import RegisterCustomer, RenameCustomer
from projections.customers import GetCustomer, customers
from tests.edge.sdk.connections import connections_of, with_user
from tests.edge.serving import served
from tests.eventually import eventually

ADA = RegisterCustomer(name="Ada")
TURNS_LIMIT = 5000
"""Turns of the loop after which a call that was not cancelled must be over."""


async def dispatch(client: Client) -> None:
    await client.commands.dispatch(RenameCustomer(name="B"), aggregate="customer-a")


async def submit_many(client: Client) -> None:
    wanted = [Submit(RenameCustomer(name=f"{n}"), "customer-a") for n in range(5)]
    async for answer in client.commands.submit_many(wanted):
        answer.accepted()


async def outcome(client: Client) -> None:
    await client.commands.outcome("first")


async def query_after_write(client: Client) -> None:
    renamed = RenameCustomer(name="C")
    done = await client.commands.dispatch(renamed, aggregate="customer-a")
    await client.queries.dispatch(GetCustomer(customer_id="a"), after=done)


async def follow(client: Client) -> None:
    async for _ in client.queries.follow(GetCustomer(customer_id="a")):
        return


async def follow_row(client: Client) -> None:
    async for _ in client.queries.follow_row(customers, "customer-a"):
        return


async def dry_run(client: Client) -> None:
    await client.commands.dry_run(RenameCustomer(name="D"), aggregate="customer-a")


CALLS = [dispatch, submit_many, outcome, query_after_write, follow, follow_row, dry_run]


async def cancelled_after(turns: int, call: Callable[[], Awaitable[Any]]) -> bool:
    """Cancel a call after so many turns of the loop; whether it was over before."""
    over = anyio.Event()

    async def run() -> None:
        await call()
        over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for _ in range(turns):
            await checkpoint()
            if over.is_set():
                break
        tasks.cancel_scope.cancel()
    return over.is_set()


async def is_over_however_cancelled(call: Callable[[], Awaitable[Any]]) -> int:
    """Cancel a call after 0, 1, 2 … turns, until it ends first; how often it was cancelled."""
    for count, turns in enumerate([*range(40), *range(40, TURNS_LIMIT, 60)]):
        if await cancelled_after(turns, call):
            return count
    raise AssertionError("it never came to its end")


def is_clean(client: Client) -> bool:
    """Whether nothing is known of any command that somebody sent, and nobody reads anything."""
    desk = client.dispatch
    held = [desk._unanswered, desk._by_id, *desk._sent.values(), client._watches._readers]
    return not any(held)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_a_call_may_be_cancelled_at_every_turn(
    valkey_url: str, namespace: str, call: Callable[[Client], Awaitable[None]]
) -> None:
    async with served(valkey_url, namespace) as client:
        await client.commands.dispatch(ADA, aggregate="customer-a", id="first")
        await query_after_write(client)
        assert await is_over_however_cancelled(lambda: call(client)) > 0
        await eventually(lambda: is_clean(client), "nothing is left of what was cancelled")
        await query_after_write(client)


async def test_what_was_cancelled_may_be_sent_again(valkey_url: str, namespace: str) -> None:
    async with served(valkey_url, namespace, worker=False) as client:
        for turns in range(12):
            aggregate = f"customer-{turns}"
            register = partial(client.commands.dispatch, ADA, aggregate=aggregate, id="once")
            await cancelled_after(turns, register)
            again = await register()
            assert again.version == 1


async def test_opening_may_be_cancelled_at_every_turn(valkey_url: str, namespace: str) -> None:
    async with served(valkey_url, namespace, worker=False):
        with with_user(valkey_url) as url:

            async def open_and_close() -> None:
                async with engine.connect(url, namespace=namespace) as client:
                    await client.commands.dispatch(ADA, aggregate="customer-a", id="once")

            assert await is_over_however_cancelled(open_and_close) > 0
            await eventually(lambda: connections_of(url) == 0, "no connection is left")


async def test_an_interrupted_scope_leaves_others_their_answers(
    valkey_url: str, namespace: str
) -> None:
    async with served(valkey_url, namespace, worker=False) as client:
        done: list[str] = []

        async def register(n: int) -> None:
            outcome = await client.commands.dispatch(ADA, aggregate=f"customer-{n}")
            done.append(outcome.aggregate)

        async with anyio.create_task_group() as kept:
            for n in range(100):
                with anyio.move_on_after(0):
                    await register(1000 + n)
                kept.start_soon(register, n)
        assert set(done) == {f"customer-{n}" for n in range(100)}
        assert is_clean(client)
