"""Queries for whoever decides: asked on whichever session a process has at the time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import anyio
from pydantic import ValidationError

from engine.core.errors import Lost, Misuse
from engine.core.messages import Query
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.core.services import Queries
from engine.core.views import Views
from engine.edge.queries import RowViews

View = TypeVar("View")


class AskedOf(Queries):
    """The queries of a domain, answered from some views."""

    def __init__(self, domain: Domain, views: Callable[[], Views]) -> None:
        self._domain, self._views = domain, views

    async def ask(self, query: Query[View]) -> View:
        """What the query's handler answers, or raises."""
        handler = self._domain.query_handler(type(query).__name__)
        answer: View = await handler.answer(query, self._views())
        return answer

    async def ask_named(self, name: str, /, **fields: Any) -> Any:
        """`ask`, by a query's name and fields; raises `Misuse` where they do not fit it."""
        query = self._domain.query_handler(name).query
        try:
            asked = query(**fields)
        except ValidationError as error:
            raise Misuse(f"{name} cannot be asked like that: {error}") from error
        return await self.ask(asked)


class LiveQueries(AskedOf):
    """The same, answered from the live generations as they are, on one session after another."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain, self._live)
        self._session: Session | None = None
        self._began: anyio.Event | None = None
        """When the next session is there; None before the first."""

    @contextmanager
    def on(self, session: Session) -> Iterator[None]:
        """Ask on this session, until it is over."""
        began, self._began = self._began, anyio.Event()
        self._session = session
        if began is not None:
            began.set()
        try:
            yield
        finally:
            self._session = None

    async def ask(self, query: Query[View]) -> View:
        """What the query's handler answers, or raises; a lost connection is got over."""
        broken: Session | None = None
        while True:
            broken = await self._other_than(broken)
            try:
                return await super().ask(query)
            except Lost:
                continue

    def _live(self) -> Views:
        rows = cast("Session", self._session).rows
        return RowViews(rows, self._domain, rows.live)

    async def _other_than(self, broken: Session | None) -> Session:
        """The session of now, or the next one; raises `Misuse` before the first."""
        if self._began is None:
            raise Misuse("queries are answered once the process serves, not while services open")
        while self._session is None or self._session is broken:
            await self._began.wait()
        return self._session
