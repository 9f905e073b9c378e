"""A process and its roles: begun together, stopped together."""

import gc
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio

from engine.core.errors import single
from engine.runtime.shutdown import Shutdown, stop_on_signals

COLLECTOR_THRESHOLDS = (200_000, 20, 100)
"""How rarely cycles are looked for: each look walks through what is read ahead, and evicts
from the caches what is being decided. What is long-lived is hardly ever looked through."""


class Readiness:
    """Which of a process's roles serve by now; `wait` until all do."""

    def __init__(self, roles: int) -> None:
        self._missing = roles
        self._all = anyio.Event()

    def one_more(self) -> Callable[[], None]:
        """What one role calls when it serves; calling it again changes nothing."""
        called = False

        def ready() -> None:
            nonlocal called
            if not called:
                called = True
                self._missing -= 1
            if self._missing == 0:
                self._all.set()

        return ready

    async def wait(self) -> None:
        """Until every role serves."""
        await self._all.wait()


Role = Callable[[Shutdown, Callable[[], None]], Coroutine[Any, Any, None]]
"""What a process does until a stop is asked for; it calls the second when it serves."""


async def serve(
    roles: Sequence[Role],
    drain_seconds: float,
    alongside: Callable[[Readiness], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run roles until SIGTERM or SIGINT, then drain; `engine.runtime.shutdown` tells how.

    ``alongside`` runs beside them and ends with them; when it returns, they go on.
    Raises what a role raises, not wrapped in a group.
    """
    shutdown, readiness = Shutdown(), Readiness(len(roles))
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(partial(stop_on_signals, shutdown, tasks.cancel_scope, drain_seconds))
            if alongside is not None:
                tasks.start_soon(alongside, readiness)
            await _all(roles, shutdown, readiness)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        error = single(errors)
        raise error from error.__cause__


@asynccontextmanager
async def serving(roles: Sequence[Role], drain_seconds: float) -> AsyncIterator[Readiness]:
    """Run roles inside an ``async with``, and drain them at its end."""
    shutdown, readiness = Shutdown(), Readiness(len(roles))
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_all, roles, shutdown, readiness)
            yield readiness
            shutdown.ask()
            tasks.cancel_scope.deadline = anyio.current_time() + drain_seconds
    except BaseExceptionGroup as errors:
        error = single(errors)
        raise error from error.__cause__


async def _all(roles: Sequence[Role], shutdown: Shutdown, readiness: Readiness) -> None:
    async with anyio.create_task_group() as tasks:
        for role in roles:
            tasks.start_soon(role, shutdown, readiness.one_more())


def run_process(main: Callable[[], Awaitable[None]]) -> None:
    """Run a process of ours: on uvloop if it is there, with the collector out of the way.

    An engine makes millions of objects that live long and few cycles: looking for those
    every 700 objects, as Python does unasked, took a third of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    has_uvloop = importlib.util.find_spec("uvloop") is not None
    anyio.run(main, backend_options={"use_uvloop": has_uvloop})
