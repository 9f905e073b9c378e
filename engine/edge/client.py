"""The Python SDK: a `CommandBus` and a `QueryBus` over a handful of shared connections."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio

from engine.core.errors import Lost, Unavailable
from engine.core.ids import uuid7
from engine.core.messages import Query
from engine.core.outcome import Outcome, Receipt
from engine.core.ports import Session
from engine.core.projection import AnyRow, Projection
from engine.core.registry import Domain
from engine.core.rehearsing import Rehearse
from engine.core.resuming import Question
from engine.core.views import Views
from engine.edge.command_bus import CommandBus
from engine.edge.dispatch import Dispatch
from engine.edge.dry_run import DryRuns
from engine.edge.floor import Floor
from engine.edge.follow import Followed, Follows, Update
from engine.edge.freshness import Waits, fresh, wanted
from engine.edge.queries import GenerationOf, RowViews
from engine.edge.watches import Watches

View = TypeVar("View")
After = Outcome | Receipt | str | None


class QueryBus:
    """Asks queries of the read side; never of events or actors."""

    def __init__(
        self, dispatch: Dispatch, domain: Domain, wait_seconds: float, follows: Follows
    ) -> None:
        self._dispatch, self._domain, self._wait_seconds = dispatch, domain, wait_seconds
        self._follows, self._waits = follows, Waits()

    async def dispatch(
        self,
        query: Query[View],
        *,
        after: After = None,
        wait_seconds: float | None = None,
    ) -> View:
        """Answer a query, from a view that has reached ``after``.

        Raises what the query's handler raises, such as `NotFound`; `Behind` when the view
        has not got so far within ``wait_seconds``; `Parked` when it passed over what ``after``
        stands for, `HistoryLost` when that is gone; `Unavailable` when Redis is away as long.
        """
        handler = self._domain.query_handler(type(query).__name__)
        return await self._answered(partial(handler.answer, query), after, wait_seconds)

    async def row(
        self, projection: Projection[AnyRow], row_id: str, *, after: After = None,
        wait_seconds: float | None = None,
    ) -> AnyRow:  # fmt: skip
        """One row as `dispatch` has answers; raises `NotFound` while it is not there."""

        async def answer(views: Views) -> AnyRow:
            return await views.get(projection, row_id)

        return await self._answered(answer, after, wait_seconds)

    async def _answered(
        self, answer: Callable[[Views], Awaitable[View]], after: After, wait_seconds: float | None
    ) -> View:
        want = wanted(after)
        seconds = self._wait_seconds if wait_seconds is None else wait_seconds
        deadline = anyio.current_time() + seconds

        async def ask(session: Session) -> View:
            generation_of: GenerationOf = session.rows.live
            if want is not None:
                want.require_within(session.partitions)
                generation_of = fresh(session.checkpoints, want, deadline, self._waits)
            return await answer(RowViews(session.rows, self._domain, generation_of))

        return await self._until(deadline, ask)

    def follow(
        self, query: Query[View], *, after: str | None = None, wait_seconds: float | None = None
    ) -> AsyncGenerator[Update[View], None]:
        """A query's answer, and each other answer that it gets from then on, without end.

        Of a burst of changes only what they come to is told, ten times a second at most.
        With the token of an update as ``after``, the first answer is one that differs from
        it. Lost connections, restarted servers and rebuilt read models are got over. No
        answer is older than the one before, or than the token's: where rows lag behind that,
        they are waited for, up to ``wait_seconds``; an answer after that says `Update.is_behind`.

        Raises what the query's handler raises, but `NotFound`: that is the answer None; and
        `Misuse` for a token that was told for another question, or cut short.
        """
        handler = self._domain.query_handler(type(query).__name__)
        # Without defaults: a field that a query gets later does not make it another question.
        words = f"{type(query).__name__} {query.model_dump_json(exclude_defaults=True)}"
        followed = Followed(Question(words), partial(handler.answer, query))
        return self._updates(followed, after, wait_seconds)

    def follow_row(
        self,
        projection: Projection[AnyRow],
        row_id: str,
        *,
        after: str | None = None,
        wait_seconds: float | None = None,
    ) -> AsyncGenerator[Update[AnyRow], None]:
        """One row as `follow` has answers; None while it is not there."""

        async def answer(views: Views) -> AnyRow:
            return await views.get(projection, row_id)

        followed = Followed(Question(f"row {projection.name} {row_id}"), answer, row_id)
        return self._updates(followed, after, wait_seconds)

    def _updates(
        self, followed: Followed, after: str | None, wait_seconds: float | None
    ) -> AsyncGenerator[Update[Any], None]:
        told = None if after is None else followed.question.told(after)
        seconds = self._wait_seconds if wait_seconds is None else wait_seconds
        return self._follows.updates(followed, Floor(told, seconds))

    async def _until(self, deadline: float, ask: Callable[[Session], Awaitable[View]]) -> View:
        """Ask, again on the next session when one breaks: reading twice harms nobody."""
        broken: Session | None = None
        while True:
            with anyio.move_on_at(deadline + _GRACE_SECONDS):
                broken = session = await self._dispatch.session(after=broken)
                try:
                    return await ask(session)
                except Lost:
                    continue
            raise Unavailable("Redis is out of reach; nothing was read")


_GRACE_SECONDS = 0.1
"""So that a view that is behind at the deadline says so itself."""


class Client:
    """Commands in, views out; ``clock`` is the time that is in the ids it makes."""

    def __init__(
        self,
        domain: Domain,
        wait_seconds: float,
        rehearse: Rehearse | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        def new_id() -> str:
            return uuid7(int(clock() * 1000))

        self.dispatch = Dispatch()
        self.dry_runs = DryRuns(self.dispatch, domain, rehearse, new_id)
        self._watches = Watches()
        follows = Follows(self.dispatch, self._watches, domain)
        self.commands = CommandBus(self.dispatch, wait_seconds, self.dry_runs, new_id)
        self.queries = QueryBus(self.dispatch, domain, wait_seconds, follows)

    async def work(self, session: Session) -> None:
        """Serve on one session until it breaks."""
        async with self._watches.serving(session):
            await self.dispatch.work(session)
