"""The limits of the wire: how many connections, and how long one may be silent or stuck.

uvicorn closes connections that are idle between requests. It waits without end for the rest of
a request's head, and for a reader that takes nothing of his answer; here both are cut.
"""

from asyncio import TimerHandle, Transport
from http import HTTPStatus

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.edge.http.problems import PROBLEM
from engine.telemetry import gateway, log


def _refusal(status: HTTPStatus, detail: str) -> bytes:
    """An answer to what never became a request of the application's."""
    said = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    body = msgspec.json.encode(said)
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\nconnection: close\r\nretry-after: 1\r\n"
        f"content-type: {PROBLEM}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


REFUSED = _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open")
"""What a connection too many is told, unread."""

UNREADABLE = _refusal(HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.1")

RELIEVED = 0.9
"""Of its connections a gateway has fewer when it says that it is not crowded any more."""


class Crowd:
    """Whether there is room for one more; who looks at the log is told when that changes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._is_full = limit, False

    def has_room(self, connections: int) -> bool:
        """Whether another one may come."""
        if connections >= self._limit:
            gateway.CONNECTIONS_CUT.labels("too_many").inc()
            if not self._is_full:
                self._is_full = True
                log.warning("gateway.crowded", connections=connections)
            return False
        if self._is_full and connections < self._limit * RELIEVED:
            self._is_full = False
            log.info("gateway.uncrowded", connections=connections)
        return True


class Bounded(HttpToolsProtocol):
    """One connection; `bounded` says within which limits."""

    crowd: Crowd
    stall_seconds: float

    _timer: TimerHandle | None = None
    _is_counted = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it."""
        if not self.crowd.has_room(len(self.connections)):
            self.transport = transport
            transport.write(REFUSED)
            transport.close()
            return
        super().connection_made(transport)
        self._is_counted = True
        gateway.CONNECTIONS.set(len(self.connections))
        self._expect("silent")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._unexpect()
        super().connection_lost(exc)
        if self._is_counted:
            gateway.CONNECTIONS.set(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Read on, unless it was refused."""
        if self._is_counted:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's signature
        """Answer what is no HTTP."""
        self.transport.write(UNREADABLE)
        self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins: the rest of its head must follow."""
        super().on_message_begin()
        self._expect("silent")

    def on_headers_complete(self) -> None:
        """Its head is whole; its body has a limit of its own."""
        self._unexpect()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """He takes nothing for now."""
        super().pause_writing()
        self._expect("stuck")

    def resume_writing(self) -> None:
        """He takes again."""
        self._unexpect()
        super().resume_writing()

    def _expect(self, reason: str) -> None:
        self._unexpect()
        self._timer = self.loop.call_later(self.stall_seconds, self._cut, reason)

    def _unexpect(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self, reason: str) -> None:
        gateway.CONNECTIONS_CUT.labels(reason).inc()
        log.info("gateway.cut", reason=reason, seconds=self.stall_seconds, client=self.client)
        self.transport.abort()


def bounded(limit: int, stall_seconds: float) -> type[Bounded]:
    """The connections of one gateway: so many, each silent or stuck for so long at the most."""
    limits = {"crowd": Crowd(limit), "stall_seconds": stall_seconds}
    return type("BoundedHere", (Bounded,), limits)
