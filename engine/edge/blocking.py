"""The Python SDK for code that does not await: scripts, notebooks, Django.

One thread in the background runs one event loop with one client; whoever calls waits for it.
Any number of threads may call at once, and share its connections. A call that is interrupted
(Ctrl-C) is cancelled. A process that was forked has no such thread: it has to connect itself.
"""

import atexit
import os
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, suppress
from functools import wraps
from threading import Thread
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from engine.core.errors import Misuse, NotYet, SemelError
from engine.edge.client import Client, QueryBus
from engine.edge.command_bus import CommandBus

Said = ParamSpec("Said")
Told = TypeVar("Told")


class Line:
    """A client in a thread of its own, and the way to it from any other thread.

    The thread is a daemon's: a program may end without closing it. What it holds is let go of by
    itself alone, so that a forked process, in which it does not run, may end too.
    """

    def __init__(self, connecting: AbstractAsyncContextManager[Client]) -> None:
        self._process = os.getpid()
        self._ended: SemelError = Misuse("this client is closed")
        self._started: Future[tuple[BlockingPortal, Client]] = Future()
        self._thread = Thread(target=self._run, args=[connecting], name="semel", daemon=True)
        self._thread.start()
        try:
            self._portal, self.client = self._started.result()
        finally:
            self._started.cancel()

    @property
    def is_here(self) -> bool:
        """Whether its thread runs, and in this process."""
        return os.getpid() == self._process and self._thread.is_alive()

    def call(self, ask: Callable[[], Coroutine[Any, Any, Told]]) -> Told:
        """Have something done in the loop, and wait for it; an interrupt cancels it."""
        if os.getpid() != self._process:
            raise Misuse(
                "this client was opened by the process that this one was forked from: open one "
                "in each process, after the fork"
            )
        try:
            under_way = self._portal.start_task_soon(ask)
        except RuntimeError:  # the portal is not running
            raise self._ended from None
        try:
            told: Told = under_way.result()
        except CancelledError as error:
            raise NotYet("the client was closed first; what was asked may still come") from error
        finally:
            under_way.cancel()
        return told

    def close(self) -> None:
        """End the thread, and with it whoever still waits: he would hold up the end."""
        if self.is_here:
            with suppress(RuntimeError):  # it has ended by itself
                self._portal.call(self._portal.stop, True)
            self._thread.join()

    def _run(self, connecting: AbstractAsyncContextManager[Client]) -> None:
        try:
            anyio.run(self._serve, connecting)
        except SemelError as error:
            self._ended = error
        finally:
            if not self._started.done():
                self._started.set_exception(sys.exception() or self._ended)

    async def _serve(self, connecting: AbstractAsyncContextManager[Client]) -> None:
        async with connecting as client, BlockingPortal() as portal:
            if self._started.set_running_or_notify_cancel():
                self._started.set_result((portal, client))
                await portal.sleep_until_stopped()

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
            with suppress(SemelError):  # the client is closed, and the generator with it
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
        self._line = Line(connecting)
        self.commands = BlockingCommands(self._line, self._line.client.commands)
        self.queries = BlockingQueries(self._line, self._line.client.queries)
        atexit.register(self.close)

    def close(self) -> None:
        """End the connections and the thread; whoever still waits is told."""
        atexit.unregister(self.close)
        self._line.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """The end: as `close`."""
        self.close()
