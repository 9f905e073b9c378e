"""Many commands at once, in bounded memory: each has its answer, in the order they were given.

There is no task for each: a command is begun without a wait, and answers are waited for one
after the other. So whoever reads them slowly, stops early or is cancelled leaves nothing behind.
"""

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from datetime import datetime

import anyio
import msgspec

from engine.core.errors import Deferred, Misuse, SemelError, Unavailable, Unknown
from engine.core.messages import Command, CommandMeta
from engine.core.outcome import Outcome
from engine.edge.dispatch import Dispatch
from engine.edge.entries import entry_fields, meta_json
from engine.edge.submission import Submission

IN_FLIGHT_LIMIT = 512
"""Commands of one batch under way at once: enough to keep an engine busy over any network."""


class Submit(msgspec.Struct, frozen=True):
    """One command of many, with what `CommandBus.dispatch` takes beside it.

    Give each an ``id`` where the batch may be sent again: those that had their effect are then
    answered as duplicates.
    """

    command: Command
    aggregate: str
    id: str | None = None
    expect: int | None = None
    user: str | None = None
    correlation: str | None = None
    time: datetime | None = None


class Answer(msgspec.Struct, frozen=True):
    """What became of one command of many: an outcome, whichever, or why there is none.

    ``error`` is `Unknown` or `Deferred` where none came in time, `Misuse` for an id that cannot
    be one, and `Unavailable` where it was not sent at all.
    """

    id: str
    aggregate: str
    outcome: Outcome | None = None
    error: SemelError | None = None

    def accepted(self) -> Outcome:
        """The outcome, as `CommandBus.dispatch` would return it; raises what that would raise."""
        if self.outcome is None:
            raise self.error or Unknown(f"command {self.id} has no outcome", self.id)
        return self.outcome.raise_unless_accepted()


class Batch:
    """The commands of one batch that are under way, oldest first."""

    def __init__(self, dispatch: Dispatch, new_id: Callable[[], str], seconds: float) -> None:
        self._dispatch, self._new_id, self._seconds = dispatch, new_id, seconds
        self._under_way: deque[Submission | Answer] = deque()
        self._answered_at = anyio.current_time()
        self._is_silent = False

    @property
    def is_full(self) -> bool:
        """Whether an answer has to be taken before another command is begun."""
        return len(self._under_way) >= IN_FLIGHT_LIMIT

    @property
    def is_empty(self) -> bool:
        """Whether every command has been answered."""
        return not self._under_way

    async def begin(self, wanted: Submit) -> None:
        """Send a command, once there is a session: waiting for that here keeps the order."""
        id = self._new_id() if wanted.id is None else wanted.id
        meta = CommandMeta(
            user=wanted.user, time=wanted.time, correlation=wanted.correlation, expect=wanted.expect
        )
        data = wanted.command.model_dump_json().encode()
        try:
            name = type(wanted.command).__name__
            fields = entry_fields(name, wanted.aggregate, data, id, meta_json(meta))
            await self._require_served()
        except (Misuse, Unavailable) as error:
            self._under_way.append(Answer(id, wanted.aggregate, error=error))
        else:
            begun = self._dispatch.begin(wanted.aggregate, id, fields, self._seconds)
            self._under_way.append(begun)

    async def next(self) -> Answer:
        """The answer to the oldest command, once it has one."""
        oldest = self._under_way[0]
        answer = oldest if isinstance(oldest, Answer) else await self._answer(oldest)
        self._under_way.popleft()
        return answer

    def end(self) -> None:
        """Forget whatever has no answer yet."""
        for waiting in self._under_way:
            if isinstance(waiting, Submission):
                self._dispatch.end(waiting)

    async def _answer(self, waiting: Submission) -> Answer:
        began = waiting.deadline - self._seconds
        outcome, error = None, None
        try:
            outcome = await self._dispatch.outcome(waiting)
        except Deferred as deferred:
            error = deferred
        except Unknown as unknown:
            # Nobody answered anything while this one waited: the rest need not wait too.
            self._is_silent = self._is_silent or self._answered_at < began
            return self._told(waiting, error=unknown)
        except SemelError as refused:
            return self._told(waiting, error=refused)
        self._answered_at = anyio.current_time()
        return self._told(waiting, outcome, error)

    def _told(
        self, waiting: Submission, outcome: Outcome | None = None, error: SemelError | None = None
    ) -> Answer:
        self._dispatch.end(waiting)
        return Answer(waiting.id, waiting.aggregate, outcome, error)

    async def _require_served(self) -> None:
        """Raise `Unavailable` where it makes no sense to go on: nobody is there to answer."""
        if not self._is_silent:
            with anyio.move_on_after(self._seconds):
                await self._dispatch.session()
                return
            self._is_silent = True
        raise Unavailable("not sent: commands before it got no answer in time")


async def each_of(commands: Iterable[Submit] | AsyncIterable[Submit]) -> AsyncIterator[Submit]:
    """Commands, from wherever they come."""
    if isinstance(commands, AsyncIterable):
        async for one in commands:
            yield one
    else:
        for one in commands:
            yield one
