"""What a process shows of itself over HTTP: ``/metrics``, ``/livez`` and ``/readyz``.

A thread of its own answers, ``semel-monitoring``: whoever asks whether the event loop is
stuck must hear it while it is stuck. It reads numbers and `Health`, and changes nothing.

There is no password and no TLS: it listens on this machine unless told otherwise, and then
belongs in a network of its own.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socket import AI_PASSIVE, SOCK_STREAM, getaddrinfo
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from engine.app import Health
from engine.core.errors import Misuse
from engine.settings import Settings
from engine.telemetry import log, metrics
from engine.telemetry.exposition import begin_showing, exposition

REQUESTS_AT_ONCE = 8
"""Each costs a thread for a moment; a scraper and two probes need three. More are hung up on."""

REQUEST_SECONDS = 5.0
"""Who sends nothing, or takes nothing, for so long is hung up on."""

_POLL_SECONDS = 0.1
"""How long a stop may wait for the thread to notice."""


class _Handler(WSGIRequestHandler):
    """One request; nobody logs who looked."""

    timeout = REQUEST_SECONDS

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each request, up to a limit; none of them keeps a process from ending."""

    daemon_threads = True

    def __init__(self, host: str, port: int, health: Health) -> None:
        self._free = BoundedSemaphore(REQUESTS_AT_ONCE)
        found = getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)
        self.address_family = found[0][0]
        super().__init__((host, port), _Handler)
        self.set_app(_Application(health))

    @property
    def url(self) -> str:
        """Where it is."""
        host = self.server_name
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind, without asking a name server what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a request its thread, if one is to be had."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a request, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Application:
    """What is at which path."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                metrics.LOOP_LAG.set(self._health.lag)
                shown: Iterable[bytes] = exposition(environ, start_response)
                return shown
            case "/livez":
                return _checked(start_response, *self._health.live())
            case "/readyz":
                return _checked(start_response, *self._health.ready())
        return _answer(start_response, HTTPStatus.NOT_FOUND, {})


def _checked(
    start_response: StartResponse,
    fine: bool,  # noqa: FBT001 -- the answer itself
    checks: dict[str, Any],
) -> Iterable[bytes]:
    status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
    return _answer(start_response, status, checks)


def _answer(
    start_response: StartResponse, status: HTTPStatus, checks: dict[str, Any]
) -> Iterable[bytes]:
    body = json.dumps({"status": status.phrase.lower(), "checks": checks}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]


@contextmanager
def monitoring(settings: Settings, health: Health) -> Iterator[None]:
    """Serve a process's metrics and health where the settings say, if they do.

    Raises `Misuse` when the port cannot be had.
    """
    if settings.metrics_port is None:
        yield
        return
    begin_showing()
    with _listening(settings.metrics_host, settings.metrics_port, health) as server:
        thread = Thread(
            target=server.serve_forever, args=(_POLL_SECONDS,), name="semel-monitoring", daemon=True
        )
        thread.start()
        log.info("monitoring.served", url=server.url)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _listening(host: str, port: int, health: Health) -> _Server:
    try:
        return _Server(host, port, health)
    except OSError as error:
        raise Misuse(f"cannot serve metrics at {host} port {port}: {error.strerror}") from error
