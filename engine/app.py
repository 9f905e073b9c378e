"""The one staircase between the floors: settings → domain → store → runtime → edge.

::

    settings.load() ── domain_of() ──┬── run_engine()   commands → events, outcomes
                                     ├── worker_role()  log → rows, indexes
                                     └── open_client()  commands in, views out

A process loads its settings, then the domain they name, and serves roles: each works on
sessions of the store, one after the other, until a stop is asked for. Nothing else in
`engine` knows both the runtime and Redis.
"""

import importlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import ModuleType
from typing import Any

import anyio

from engine.core import registry
from engine.core.confinement import require_confined
from engine.core.errors import Misregistered, Misuse, single
from engine.core.packages import domain_from
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.core.spelling import meant
from engine.edge.asking import LiveQueries
from engine.edge.client import Client
from engine.edge.connecting import Connecting
from engine.runtime import node, webhook
from engine.runtime.actor import Actors
from engine.runtime.health import Health
from engine.runtime.membership import Process
from engine.runtime.process import Readiness, Role, run_process, serve, serving
from engine.runtime.rehearsal import rehearse
from engine.runtime.services import services_of
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from engine.settings import Settings, load
from engine.store.audit import Kept
from engine.store.dialling import without_password
from engine.store.examination import examine
from engine.store.inspection import BACKLOG_LIMIT, PartitionState
from engine.store.session import RedisSession, open_session
from engine.telemetry import configure_for_scripts, log

__all__ = [
    "BACKLOG_LIMIT", "DEFAULT_PARTITIONS", "Actors", "Health", "Kept", "PartitionState",
    "Readiness", "RedisSession", "Role", "Shutdown", "client_session", "connect", "domain_of",
    "engine_role", "examine", "namespace_session", "open_client", "run_process", "serve", "serving",
    "without_password", "work_on_sessions", "worker_role",
]  # fmt: skip

DEFAULT_PARTITIONS = 64
"""Partitions of a new namespace: enough to spread over a dozen nodes or a small Cluster."""


def domain_of(settings: Settings, services: Sequence[object] | None = None) -> Domain:
    """The domain in the packages that the settings name, found from the working directory.

    A package that is not there counts as empty; one that cannot be imported is an error.
    ``services`` stand in for those that are listed there.
    """
    here = os.getcwd()  # noqa: PTH109 -- sys.path holds texts
    if here not in sys.path:
        sys.path.insert(0, here)
    handlers = _package(settings.handlers)
    projections = _package(settings.projections)
    domain = domain_from(handlers, projections, services)
    registry.require_handled(domain, settings.handlers)
    registry.require_readable(domain)
    require_confined(settings.projections, but=settings.handlers)
    return domain


def _package(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            return None
        raise Misregistered(f"importing {name} failed: {error}") from error


@asynccontextmanager
async def namespace_session(
    settings: Settings, *, create: int | None = None
) -> AsyncIterator[RedisSession]:
    """A session on the settings' namespace, created with ``create`` partitions if need be.

    Raises `Unavailable`, `Unfit`, and without ``create`` also `NotFound`.
    """
    async with open_session(settings.redis, settings.namespace) as session:
        if create is not None:
            await session.create(settings.partitions or create)
        await session.enter(settings.partitions)
        yield session


def engine_role(
    settings: Settings,
    domain: Domain,
    create: int = DEFAULT_PARTITIONS,
    health: Health | None = None,
) -> Role:
    """An engine node; a namespace that is not there is created with ``create`` partitions.

    It tells ``health`` how it stands. Raises `Misuse` when no command is registered.
    """
    if not domain.commands:
        raise Misuse(
            f"no command is registered: the package {settings.handlers!r} in the working directory "
            f"must list its `deciders`"
        )
    standing = (health or Health(settings.stall_seconds)).role("engine")

    async def role(shutdown: Shutdown, ready: Callable[[], None]) -> None:
        process, queries = Process.new("engine"), LiveQueries(domain)

        async def work(session: Session) -> None:
            log.info(
                "engine.started", node=process.name, partitions=session.partitions,
                commands=sorted(domain.commands), **_shown(settings))  # fmt: skip
            asked = standing.when_asked(ready)
            with queries.on(session):
                await node.engine(session, served, settings, process, shutdown, asked)

        opened = standing.watched(partial(namespace_session, settings, create=create))
        wanted = domain.needed_to_decide()
        async with services_of(domain, settings.services, queries, wanted) as served:
            await work_on_sessions(opened, work, shutdown, settings.connect_seconds)
        shutdown.require_asked()
        log.info("engine.stopped", node=process.name)

    return role


def worker_role(
    settings: Settings,
    domain: Domain,
    names: Sequence[str] = (),
    create: int = DEFAULT_PARTITIONS,
    health: Health | None = None,
) -> Role:
    """A worker, for the projections and routers named or for all; raises `Misuse`.

    It tells ``health`` how it stands.
    """
    every = (*domain.projections, *domain.reactions)
    unknown = sorted({*names} - {*every})
    if unknown or not every:
        known = ", ".join(sorted(every)) or f"none in the package {settings.projections!r}"
        lacking, hint = ", ".join(unknown) or "at all", meant("".join(unknown[:1]), every)
        raise Misuse(f"there is no projection {lacking}. {hint}Registered: {known}")
    chosen = tuple(names) or every
    standing = (health or Health(settings.stall_seconds)).role("worker")

    async def role(shutdown: Shutdown, ready: Callable[[], None]) -> None:
        process, queries = Process.new("worker"), LiveQueries(domain)

        async def work(session: Session) -> None:
            log.info(
                "worker.started", node=process.name, partitions=session.partitions,
                projections=sorted(set(chosen) & set(domain.projections)),
                reactions=sorted(set(chosen) & set(domain.reactions)), **_shown(settings),
            )  # fmt: skip
            asked = standing.when_asked(ready)
            with queries.on(session):
                await node.worker(session, served, settings, chosen, process, shutdown, asked)

        opened = standing.watched(partial(namespace_session, settings, create=create))
        wanted = domain.needed_to_react(chosen)
        async with services_of(domain, settings.services, queries, wanted) as served:
            await work_on_sessions(opened, work, shutdown, settings.connect_seconds)
        shutdown.require_asked()
        log.info("worker.stopped", node=process.name)

    return role


def _shown(settings: Settings) -> dict[str, Any]:
    """The settings as a start banner lists them: addresses without what is secret in them."""
    shown = settings.model_dump(
        exclude={"api_keys", "partitions", "redis", "services"}, exclude_defaults=True
    )
    if settings.alert_webhook is not None:
        shown["alert_webhook"] = webhook.shown(settings.alert_webhook)
    return {"redis": without_password(settings.redis), "settings": shown}


@asynccontextmanager
async def client_session(
    settings: Settings, create: int | None = None
) -> AsyncIterator[RedisSession]:
    """A session that outcomes can be read on: a replica is refused before anybody waits."""
    async with namespace_session(settings, create=create) as session:
        await session.feed()
        yield session


@asynccontextmanager
async def open_client(
    settings: Settings, domain: Domain, patience: float = 0
) -> AsyncIterator[Client]:
    """A client of the namespace; it reconnects by itself.

    The first connection must be had within ``patience`` seconds: raises `Unavailable`,
    `NotFound` where there is no such namespace, `Unfit`, `Lost` where only a replica answers.
    """
    client = Client(domain, settings.wait_seconds, partial(rehearse, settings))
    opened = partial(client_session, settings)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work_on_sessions, opened, client.work, Shutdown(), patience)
            await client.dispatch.session()
            yield client
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        error = single(errors)
        raise error from error.__cause__


def connect(redis: str | None = None, *, namespace: str | None = None) -> Connecting:
    """Open the Python SDK: ``async with engine.connect("redis://…") as semel``.

    Without ``async`` its calls do not await. Unset arguments come from the environment and
    ``config/semel.toml``. Queries need the ``projections`` package on the import path.
    """

    def opened() -> AbstractAsyncContextManager[Client]:
        configure_for_scripts()
        settings = load(redis=redis, namespace=namespace)
        return open_client(settings, domain_of(settings))

    return Connecting(opened)
