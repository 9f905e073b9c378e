"""Everything on this machine: a server, an engine node, a worker, in one process tree."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import anyio

from engine import app
from engine.core.registry import Domain
from engine.edge.monitoring import monitoring
from engine.edge.server import EmbeddedServer, embedded_server
from engine.settings import Settings

LOCAL_PARTITIONS = 16
"""Partitions of a development namespace: enough to see orders spread, few to look through."""

Alongside = Callable[[Settings, str], Awaitable[None]]
"""What is done once everything serves; given the settings and what the server is."""


async def serve_here(  # noqa: PLR0913 -- what `semel dev` may be told
    settings: Settings,
    domain: Domain,
    alongside: Alongside,
    *,
    port: int | None = None,
    data: Path | None = None,
    gateway: bool = False,
) -> None:
    """Start an embedded server and serve the domain on it, until SIGTERM or SIGINT.

    ``data`` survives; without it a temporary directory goes at exit. Raises what
    `embedded_server` raises, and `Unavailable` when the server ends under way.
    """
    async with embedded_server(port=port, data=data) as server:
        here = settings.model_copy(update={"redis": server.url})
        await serve_at(here, domain, alongside, server, gateway=gateway)


async def serve_at(
    settings: Settings,
    domain: Domain,
    alongside: Alongside,
    server: EmbeddedServer | None = None,
    *,
    gateway: bool = False,
) -> None:
    """Serve the domain on the server of the settings, until SIGTERM or SIGINT.

    With a ``gateway`` at the first free port from ``http_port`` on, which ``alongside`` is told.
    Whoever changes a projection and starts again sees what the new code makes of the log, unless
    the settings say otherwise.
    """
    health, given = app.Health(settings.stall_seconds), settings
    roles = [app.engine_role(settings, domain, LOCAL_PARTITIONS, health)]
    if domain.projections:
        changed = True if settings.rebuild_on_change is None else settings.rebuild_on_change
        worked = settings.model_copy(update={"rebuild_on_change": changed})
        roles.append(app.worker_role(worked, domain, (), LOCAL_PARTITIONS, health))

    async def beside(readiness: app.Readiness) -> None:
        async with anyio.create_task_group() as tasks:
            if server is not None:
                tasks.start_soon(server.died)
            tasks.start_soon(health.watch)
            await readiness.wait()
            kind = f"{server.kind}, data in {server.data}" if server else "not started by semel dev"
            await alongside(given, kind)

    with monitoring(settings, health), ExitStack() as stack:
        if gateway:
            from engine.edge.http import serving  # noqa: PLC0415 -- an extra

            at = serving.listening_from(settings.http_host, settings.http_port)
            listener = stack.enter_context(at)
            given = settings.model_copy(update={"http_port": listener.getsockname()[1]})
            roles.append(serving.gateway_role(given, domain, health, listener, LOCAL_PARTITIONS))
        await app.serve(roles, settings.drain_seconds, beside)
