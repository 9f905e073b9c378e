"""The Python SDK for code that does not await: scripts, notebooks, Django.

One thread in the background runs one event loop with one client; whoever calls waits for it.
Any number of threads may call at once, and share its connections. A call that is interrupted
(Ctrl-C) is cancelled. A process that was forked has no such thread: it has to connect itself.
"""

import atexit
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from engine.core.errors import Misuse, NotYet
from engine.edge.client import Client, QueryBus
from engine.edge.command_bus import CommandBus

Said = ParamSpec("Said")
Told = TypeVar("Told")


class Line:
    """The way from any thread into the loop of a client, while that is open."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal, self._process = portal, os.getpid()
        self.is_open = True

    def call(self, ask: Callable[[], Coroutine[Any, Any, Told]]) -> Told:
        """Have something done in the loop, and wait for it; an interrupt cancels it."""
        if os.getpid() != self._process:
            raise Misuse(
                "this client was opened by the process that this one was forked from: open one "
                "in each process, after the fork"
            )
        if not self.is_open:
            raise Misuse("this client is closed")
        under_way = self._portal.start_task_soon(ask)
        try:
            told: Told = under_way.result()
        except CancelledError as error:
            raise NotYet("the client was closed first; what was asked may still come") from error
        finally:
            under_way.cancel()
        return told

    def each(self, ask: Callable[[], AsyncGenerator[Told, None]]) -> Iterator[Told]:
        """Walk through what comes out of the loop, one thing after the other."""

        async def begin() -> AsyncGenerator[Told, None]:
            return ask()

        generator = self.call(begin)

        async def following() -> Told | None:
            return await anext(generator, None)

        try:
            while (told := self.call(following)) is not None:
                yield told
        finally:
            if self.is_open:
                self.call(generator.aclose)


class _Face:
    """One bus of a client, from outside of its loop."""

    def __init__(self, line: Line, bus: Any) -> None:
        self._line, self._bus = line, bus


def _waiting(
    method: Callable[Concatenate[Any, Said], Coroutine[Any, Any, Told]],
) -> Callable[Concatenate[Any, Said], Told]:
    """A method that waits for what another answers."""

    @wraps(method)
    def wait(self: Any, /, *args: Said.args, **kwargs: Said.kwargs) -> Told:
        line: Line = self._line
        return line.call(lambda: method(self._bus, *args, **kwargs))

    return wait


def _walking(
    method: Callable[Concatenate[Any, Said], AsyncGenerator[Told, None]],
) -> Callable[Concatenate[Any, Said], Iterator[Told]]:
    """A method that goes through what another yields."""

    @wraps(method)
    def walk(self: Any, /, *args: Said.args, **kwargs: Said.kwargs) -> Iterator[Told]:
        line: Line = self._line
        return line.each(lambda: method(self._bus, *args, **kwargs))

    return walk


class BlockingCommands(_Face):
    """`CommandBus`, for code that does not await."""

    dispatch = _waiting(CommandBus.dispatch)
    submit = _waiting(CommandBus.submit)
    submit_many = _walking(CommandBus.submit_many)
    outcome = _waiting(CommandBus.outcome)
    dry_run = _waiting(CommandBus.dry_run)


class BlockingQueries(_Face):
    """`QueryBus`, for code that does not await."""

    dispatch = _waiting(QueryBus.dispatch)
    follow = _walking(QueryBus.follow)
    follow_row = _walking(QueryBus.follow_row)


class BlockingClient:
    """A client whose calls return when they are done; made by ``connect``."""

    def __init__(self, connecting: AbstractAsyncContextManager[Client]) -> None:
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal(name="semel"))
            # Whoever waits in another thread would hold up the end, perhaps for ever.
            stack.callback(portal.call, portal.stop, True)
            client = stack.enter_context(portal.wrap_async_context_manager(connecting))
            self._stack = stack.pop_all()
        self._line = Line(portal)
        self.commands = BlockingCommands(self._line, client.commands)
        self.queries = BlockingQueries(self._line, client.queries)
        atexit.register(self.close)

    def close(self) -> None:
        """End the connections and the thread; whoever still waits is cancelled."""
        atexit.unregister(self.close)
        if self._line.is_open:
            self._line.is_open = False
            self._stack.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """The end: as `close`."""
        self.close()
