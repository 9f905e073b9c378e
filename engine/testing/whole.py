"""A whole engine in memory: commands in, rows out, and a clock that is wound by hand.

Partitions with their timers, the inbox, schedules, projectors, routers and side effects are those
of production, on the store in memory. There is one process, so nobody competes for leases: each
is taken once, and all else is the same.
"""

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup

from engine.core.codec import time_of
from engine.core.errors import single
from engine.core.firing import timer_key
from engine.core.messages import Command, CommandMeta, Event, Query
from engine.core.outcome import Outcome
from engine.core.packages import domain_from
from engine.core.ports import Session
from engine.core.projection import AnyRow, Projection
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.core.scalars import as_row
from engine.edge.asking import LiveQueries
from engine.edge.client import Client
from engine.edge.entries import meta_json
from engine.runtime.leases import Group
from engine.runtime.node import engine_groups
from engine.runtime.offer import Offer
from engine.runtime.reactions import reaction_groups
from engine.runtime.rehearsal import rehearse
from engine.runtime.services import services_of
from engine.settings import Settings
from engine.store.keys import Keys
from engine.store.memory import MemoryServer, open_memory_session
from engine.testing.clock import WoundClock
from engine.testing.settling import unfinished
from engine.testing.unchanged import watched

View = TypeVar("View")

PARTITIONS = 4
"""Enough that aggregates lie apart, few enough that a test is quick."""

DEFAULTS: Mapping[str, Any] = {"audit_load": 0, "retry_attempts": 1}
"""A decider that raises has failed at once: its test is to see that, not to wait for it."""

_PAUSE_SECONDS = 0.005
"""Between two looks at what has yet to settle."""


class Semel:
    """What a test sees of an engine in memory; ``client`` is the SDK, ``clock`` its time."""

    def __init__(
        self, domain: Domain, server: MemoryServer, keys: Keys, client: Client, clock: WoundClock
    ) -> None:
        self._domain, self._server, self._keys = domain, server, keys
        self.client, self.clock = client, clock

    async def submit(self, command: Command, *, aggregate: str, **more: Any) -> Outcome:
        """Send a command and return its outcome, whatever it is.

        ``more`` is what `CommandBus.dispatch` takes, such as ``id`` and ``expect``.
        """
        commands = self.client.commands
        id, seconds = more.pop("id", None), more.pop("wait_seconds", None)
        return await commands.submit(
            type(command).__name__, aggregate, command.model_dump_json().encode(),
            id=id, meta=meta_json(CommandMeta(**more)), wait_seconds=seconds,
        )  # fmt: skip

    async def ask(self, query: Query[View], *, after: Outcome | None = None) -> View:
        """Answer a query from rows as they are, or as they are ``after`` an outcome."""
        return await self.client.queries.dispatch(query, after=after)

    async def settled(self, seconds: float = 5) -> None:
        """Until all that was sent, or is due, is answered, and all is done that followed from it.

        Raises `AssertionError`, which says what is still to come, after so many real ``seconds``.
        """
        left: list[str] = []
        with anyio.move_on_after(seconds):
            while True:
                left = list(self._unfinished())
                if not left:
                    return
                await anyio.sleep(_PAUSE_SECONDS)
        raise AssertionError(f"not settled within {seconds:g} s: {'; '.join(left)}")

    def events(self, aggregate: str) -> list[Event]:
        """An aggregate's events so far."""
        key = self._keys.events(partition_of(aggregate, PARTITIONS), aggregate)
        return [
            self._domain.decode_event(
                entry.fields[b"type"].decode(), entry.fields[b"data"], entry.fields[b"meta"]
            )
            for entry in self._server.data.stream(key).entries
        ]

    def rows(self, projection: Projection[AnyRow]) -> dict[str, AnyRow]:
        """All rows that there are now, typed, by id."""
        prefix = self._keys.row(projection.name, 1, "")
        keys = self._server.data.keys(prefix)
        found = {key.removeprefix(prefix): self._server.data.hash(key) for key in keys}
        rows = {id: as_row(projection.row, id, fields) for id, fields in found.items()}
        return {id: row for id, row in rows.items() if row is not None}

    def timers(self, aggregate: str) -> dict[str, datetime]:
        """When each timer of an aggregate that has not fired is due, by name."""
        key = self._keys.timers(partition_of(aggregate, PARTITIONS))
        prefix, due = timer_key(aggregate, ""), self._server.data.ranking(key)
        return {
            name.removeprefix(prefix): time_of(int(due[name]))
            for name in due.ordered()
            if name.startswith(prefix)
        }

    def _unfinished(self) -> Iterator[str]:
        return unfinished(self._server, self._keys, self._domain, PARTITIONS)


@asynccontextmanager
async def engine(
    handlers: object,
    projections: object = None,
    *,
    services: Sequence[object] | None = None,
    service_settings: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> AsyncIterator[Semel]:
    """An engine of what two packages list, until the end of the ``async with``.

    Anything that has their lists will do, ``SimpleNamespace(deciders=[decider])`` too.
    ``services`` stand in for those of ``handlers``, ``service_settings`` are the tables that
    factories open with, ``settings`` stand in for defaults. Whatever ends a partition or a
    projector comes out here.
    """
    domain = domain_from(handlers, projections, services)
    said = {**DEFAULTS, "services": service_settings or {}, **settings}
    async with served(domain, Settings(**said)) as semel:
        yield semel


@asynccontextmanager
async def served(domain: Domain, settings: Settings) -> AsyncIterator[Semel]:
    """`engine`, of a domain that is built already."""
    domain = watched(domain)
    clock, keys = WoundClock(), Keys(settings.namespace)
    server, queries = MemoryServer(clock), LiveQueries(domain)
    clock.tell(server.wound)
    client = Client(domain, settings.wait_seconds, partial(rehearse, settings), clock)
    try:
        async with (
            services_of(domain, settings.services, queries) as bound,
            open_memory_session(server, settings.namespace) as session,
            anyio.create_task_group() as tasks,
        ):
            await session.create(PARTITIONS)
            with queries.on(session):
                groups = {
                    **await engine_groups(session, bound, settings),
                    **await Offer(session, domain, settings, tuple(domain.projections)).groups({}),
                    **reaction_groups(session, bound, settings, domain.reactions),
                }
                await _start(tasks, session, groups)
                tasks.start_soon(client.work, session)
                await client.dispatch.session()
                semel = Semel(domain, server, keys, client, clock)
                await semel.settled()  # schedules count from now on, and not from a later time
                yield semel
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        error = single(errors)
        raise error from error.__cause__


async def _start(tasks: TaskGroup, session: Session, groups: Mapping[str, Group]) -> None:
    """Own everything, for good: whoever holds a token may write, whatever the clock says."""
    seconds = timedelta(minutes=1).total_seconds()
    for group in groups.values():
        for lease, tenant in group.items():
            token = secrets.token_hex(8)
            if not await session.leases.acquire(lease, "testing", token, seconds):
                raise AssertionError(f"somebody else has {lease}")
            tasks.start_soon(tenant().serve, token)
