"""Attempts at commands by deciders that may wait for something.

Each has a task of its own, which may live on when the batch is committed that its command
came with: then the command waits, and what is decided comes late.
"""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import Any

import anyio
from anyio.abc import TaskGroup

from engine.core.decider import Decision
from engine.core.draft import Answer
from engine.core.errors import single
from engine.core.intake import Received
from engine.core.waiting import Deferral
from engine.runtime.actor import Actors
from engine.runtime.faults import is_ours, tell_if_blocked


class Attempt:
    """What an asynchronous decider is at, from ``began`` on."""

    def __init__(self, received: Received, deciding: Awaitable[Decision]) -> None:
        self.received, self.began = received, anyio.current_time()
        self.is_over = anyio.Event()
        self._deciding = deciding
        self._scope = anyio.CancelScope()
        self._decision: Decision = None
        self._error: BaseException | None = None

    async def run(self, block_seconds: float) -> None:
        """Let the decider decide; whatever it raises is kept for who asks for the decision."""

        def stepped(seconds: float) -> None:
            tell_if_blocked(self.received, seconds, block_seconds)

        with self._scope:
            try:
                self._decision = await _Stepped(self._deciding, stepped)
            except (Exception, CancelledError) as error:
                if is_ours(error):
                    raise
                self._error = error
            self.is_over.set()

    async def wait(self, until: float) -> bool:
        """Whether it is over, by then."""
        with anyio.move_on_at(until):
            await self.is_over.wait()
        return self.is_over.is_set()

    def decision(self) -> Decision:
        """What was decided; raises what the decider raised."""
        if self._error is not None:
            raise self._error
        return self._decision

    def give_up(self) -> None:
        """End it."""
        self._scope.cancel()


class Attempts:
    """All that are under way in one partition, by their commands' stream ids.

    ``over`` is told of each that has ended by itself.
    """

    def __init__(self, tasks: TaskGroup, actors: Actors, block_seconds: float) -> None:
        self._tasks, self._actors, self._block_seconds = tasks, actors, block_seconds
        self._under_way: dict[str, Attempt] = {}
        self.over: Callable[[Attempt], None] = lambda _: None

    def begin(self, received: Received) -> Answer | Deferral | Attempt:
        """Have a command decided: its answer, if there is one at once, or what leads to it."""
        began = monotonic()
        deciding = self._actors.begin(received)
        tell_if_blocked(received, monotonic() - began, self._block_seconds)
        if isinstance(deciding, Answer | Deferral):
            return deciding
        attempt = self._under_way[received.entry] = Attempt(received, deciding)
        self._tasks.start_soon(self._run, attempt)
        return attempt

    def at(self, entry: str) -> Attempt | None:
        """The one at a command."""
        return self._under_way.get(entry)

    def finish(self, attempt: Attempt) -> Answer | Deferral:
        """The answer that follows from one that is over."""
        del self._under_way[attempt.received.entry]
        return self._actors.finish(attempt.received, attempt.decision)

    def give_up(self, attempt: Attempt) -> None:
        """End one that is not; whatever it yields yet is thrown away."""
        del self._under_way[attempt.received.entry]
        attempt.give_up()

    async def _run(self, attempt: Attempt) -> None:
        await attempt.run(self._block_seconds)
        if self.at(attempt.received.entry) is attempt:
            self.over(attempt)


@asynccontextmanager
async def attempting(actors: Actors, block_seconds: float) -> AsyncIterator[Attempts]:
    """A place for attempts; those that are under way at its end are given up."""
    try:
        async with anyio.create_task_group() as tasks:
            yield Attempts(tasks, actors, block_seconds)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        raise single(errors) from errors


class _Stepped:
    """An awaitable, with an eye on how long each of its steps keeps the loop."""

    def __init__(self, inner: Awaitable[Decision], stepped: Callable[[float], None]) -> None:
        self._inner, self._stepped = inner, stepped

    def __await__(self) -> Generator[Any, Any, Decision]:
        steps: Any = self._inner.__await__()
        step = partial(steps.send, None)
        while True:
            began = monotonic()
            try:
                awaited = step()
            except StopIteration as done:
                decision: Decision = done.value
                return decision
            finally:
                self._stepped(monotonic() - began)
            try:
                step = partial(steps.send, (yield awaited))
            except BaseException as error:  # noqa: BLE001 -- thrown on to where it belongs
                step = partial(steps.throw, error)
