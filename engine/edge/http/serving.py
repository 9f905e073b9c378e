"""The gateway as a role of a process: uvicorn in our own task group, stopped as all roles are."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

import anyio
import uvicorn

from engine import app
from engine.core.errors import Misuse
from engine.core.registry import Domain
from engine.edge.client import Client
from engine.edge.http.application import application
from engine.edge.http.authentication import require_protected
from engine.edge.http.connections import bounded
from engine.edge.http.live import Followers
from engine.settings import Settings
from engine.telemetry import log

KEEP_ALIVE_SECONDS = 30
"""How long a connection may be idle between requests: longer than proxies let theirs be."""

BACKLOG = 1024
"""Connections that the kernel holds until they are looked at; they are refused only then."""

SPARE_FILES = 128
"""File descriptors for all but callers: Redis, logs, modules that are loaded late."""


PORTS_TRIED = 100
"""Of `semel dev`, for which any port will do."""


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to us."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Signals are `engine.runtime.shutdown`'s."""
        return nullcontext()

    def end(self) -> None:
        """Close what a stop that was cut short has left open; else nothing is."""
        for listener in getattr(self, "servers", ()):
            listener.close()
        for connection in self.server_state.connections:
            connection.transport.abort()


def gateway_role(
    settings: Settings,
    domain: Domain,
    health: app.Health,
    listener: socket.socket,
    create: int = app.DEFAULT_PARTITIONS,
) -> app.Role:
    """A gateway that answers at ``listener``, and tells ``health`` how it stands.

    It answers at once; what needs Redis waits until there is one. Raises `Misuse` where strangers
    could reach it and nobody has said that they may.
    """
    require_protected(settings)
    standing = health.role("gateway")

    async def role(shutdown: app.Shutdown, ready: Callable[[], None]) -> None:
        client, followers = (
            Client(domain, settings.wait_seconds),
            Followers(settings.http_followers),
        )
        server = _server(settings, application(domain, client, settings, health, followers))
        opened = standing.watched(partial(app.client_session, settings, create))
        work = standing.serving(client.work, ready)

        async def stop() -> None:
            await shutdown.wait()
            followers.closed.set()
            server.should_exit = True

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                app.work_on_sessions, opened, work, app.Shutdown(), settings.connect_seconds
            )
            tasks.start_soon(stop)
            log.info("gateway.served", url=url_of(listener), protected=_is_protected(settings))
            try:
                await server.serve([listener])
            finally:
                server.end()
            tasks.cancel_scope.cancel()
        shutdown.require_asked()
        log.info("gateway.stopped")

    return role


def _server(settings: Settings, app: object) -> _Server:
    _make_room(settings.http_connections)
    # It warns, in words of its own, of each request that is none: those are answered 400.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            http=bounded(settings.http_connections, settings.http_stall_seconds),
            ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_SECONDS, backlog=BACKLOG,
            timeout_graceful_shutdown=max(1, int(settings.drain_seconds)),
        )
    )  # fmt: skip


def _make_room(connections: int) -> None:
    """Have as many files as there may be connections; raises `Misuse` where that cannot be."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    needed = connections + SPARE_FILES
    if needed > hard:
        raise Misuse(
            f"http_connections = {connections} needs {needed} open files, and this process may "
            f"have {hard}: ulimit -n, or LimitNOFILE= of systemd"
        )
    setrlimit(RLIMIT_NOFILE, (max(soft, needed), hard))


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there; raises `Misuse` where that cannot be had."""
    with _listener(host, port) as listener:
        yield listener


@contextmanager
def listening_from(host: str, port: int) -> Iterator[socket.socket]:
    """A socket at the first free port from one on; raises `Misuse` where none of many is."""
    with _first_free(host, port) as listener:
        yield listener


def _first_free(host: str, port: int) -> socket.socket:
    for candidate in range(port, port + PORTS_TRIED):
        with suppress(Misuse):
            return _listener(host, candidate)
    raise Misuse(f"no port from {port} to {port + PORTS_TRIED - 1} is free at {host}")


def _listener(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with ExitStack() as unless_bound:
            listener = unless_bound.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            unless_bound.pop_all()
    except (OSError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise Misuse(f"cannot serve at {host} port {port}: {said}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where it is."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _is_protected(settings: Settings) -> bool:
    return bool(settings.api_keys or settings.jwks_url)
