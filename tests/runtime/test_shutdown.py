"""How a process stops: asked once it drains, asked twice or for too long it is cut short."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import TaskGroup

from engine.runtime.process import Role, serve, serving
from engine.runtime.shutdown import Shutdown, stop_on_signals

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


def get(number: signal.Signals) -> None:
    """Have this process get a signal."""
    os.kill(os.getpid(), number)


@asynccontextmanager
async def listening(seconds: float) -> AsyncIterator[tuple[Shutdown, TaskGroup]]:
    """Something at work that listens for signals."""
    shutdown = Shutdown()
    async with anyio.create_task_group() as outer, anyio.create_task_group() as work:

        async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            await stop_on_signals(shutdown, work.cancel_scope, seconds, task_status=task_status)

        await outer.start(listen)
        with anyio.fail_after(5):
            yield shutdown, work
        outer.cancel_scope.cancel()


@SIGNALS
async def test_the_first_signal_asks_for_a_stop(number: signal.Signals) -> None:
    async with listening(60) as (shutdown, _):
        get(number)
        await shutdown.wait()


@SIGNALS
async def test_the_second_signal_cuts_it_short(number: signal.Signals) -> None:
    async with listening(60) as (shutdown, work):
        get(number)
        await shutdown.wait()
        work.start_soon(anyio.sleep_forever)
        get(number)
        with anyio.CancelScope(shield=True):
            while not work.cancel_scope.cancel_called:
                await anyio.lowlevel.checkpoint()


async def test_a_stop_that_takes_too_long_is_cut_short() -> None:
    async with listening(0.01) as (shutdown, work):
        get(signal.SIGTERM)
        await shutdown.wait()
        work.start_soon(anyio.sleep_forever)


async def test_a_stop_that_somebody_else_asked_for_has_the_same_limit() -> None:
    async with listening(0.01) as (shutdown, work):
        shutdown.ask()
        work.start_soon(anyio.sleep_forever)


@SIGNALS
async def test_one_signal_cuts_short_what_somebody_else_asked_for(number: signal.Signals) -> None:
    async with listening(60) as (shutdown, work):
        work.start_soon(anyio.sleep_forever)
        shutdown.ask()
        await anyio.wait_all_tasks_blocked()
        get(number)


async def test_roles_serve_until_a_signal_and_then_drain() -> None:
    said: list[str] = []

    async def role(shutdown: Shutdown, ready: Callable[[], None]) -> None:
        ready()
        said.append("serves")
        get(signal.SIGTERM)
        await shutdown.wait()
        said.append("drains")

    await serve([role], drain_seconds=60)
    assert said == ["serves", "drains"]


async def test_readiness_is_when_every_role_serves() -> None:
    gates = [anyio.Event(), anyio.Event()]
    said: list[str] = []

    def role(gate: anyio.Event) -> Role:
        async def work(shutdown: Shutdown, ready: Callable[[], None]) -> None:
            await gate.wait()
            ready()
            ready()
            await shutdown.wait()
            said.append("drained")

        return work

    async with serving([role(gate) for gate in gates], drain_seconds=60) as readiness:
        gates[0].set()
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0) as waited:
            await readiness.wait()
        assert waited.cancelled_caught
        gates[1].set()
        await readiness.wait()
    assert said == ["drained"] * 2


async def test_what_a_role_raises_comes_out_as_itself() -> None:
    async def role(_shutdown: Shutdown, _ready: Callable[[], None]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await serve([role], drain_seconds=1)
