"""The outermost layer: every request is counted, and whatever nobody foresaw becomes a 500."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.edge.http.problems import plain_problem
from engine.telemetry import gateway, log


class Boundary:
    """An application that always answers, and is measured."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status != HUNG_UP:
                    taken = time.perf_counter() - began
                    gateway.REQUEST_SECONDS.labels(_route(scope)).observe(taken)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 -- a query's or a validator's own fault
            log.error(
                "gateway.failed", method=scope["method"], route=_route(scope),
                error=f"{type(error).__name__}: {error}", exc_info=error,
            )  # fmt: skip
            if not status:
                await plain_problem(500, "this is not your fault; see the gateway's log")(
                    scope, receive, sent
                )
        finally:
            _note(scope, status)


def _note(scope: Scope, status: int) -> None:
    """Count a request, and tell the log of one that was no good use of the wire.

    One without a status was cancelled before it was answered, perhaps by our own end.
    """
    gateway.REQUESTS.labels(_route(scope), str(status or HUNG_UP)).inc()
    if status in TURNED_AWAY:
        log.info(
            "gateway.turned_away", status=status, method=scope["method"], route=_route(scope),
            client=scope.get("client"),
        )  # fmt: skip


ROUTE = "semel.route"
"""Where a request's scope says which route it has taken."""

HUNG_UP = 499
"""What is counted for a caller who went before he was answered; nginx counts so too."""

TURNED_AWAY = frozenset({408, 413, HUNG_UP})
"""A body that did not come, one that is too large, a caller who went: few, and worth a line."""


def _route(scope: Scope) -> str:
    """The route's path, never the request's: a label must not hold what callers make up."""
    return str(scope.get(ROUTE, "none"))
