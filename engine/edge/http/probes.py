"""What an orchestrator asks: ``/livez``, ``/readyz``, ``/startupz``; and ``/metrics``."""

from typing import Any

from fastapi import Request, Response

from engine.app import Health
from engine.edge.http.answers import JSON, encoded
from engine.telemetry import metrics
from engine.telemetry.exposition import begin_showing, exposed


class Probes:
    """The routes by which a gateway shows how it is."""

    def __init__(self, health: Health) -> None:
        self._health, self._has_started = health, False
        begin_showing()

    async def live(self, request: Request) -> Response:  # noqa: ARG002 -- as all endpoints
        """Whether the loop turns: who is answered at all is told yes, unless it just stalled."""
        return _checked(*self._health.live())

    async def ready(self, request: Request) -> Response:  # noqa: ARG002 -- as all endpoints
        """Whether it can serve now: Redis is there."""
        return _checked(*self._health.ready())

    async def started(self, request: Request) -> Response:  # noqa: ARG002 -- as all endpoints
        """Whether it could ever serve: what probes of readiness and life wait for."""
        is_ready, checks = self._health.ready()
        self._has_started = self._has_started or is_ready
        return _checked(self._has_started, checks)

    async def metrics(self, request: Request) -> Response:
        """All metrics of this process, for Prometheus."""
        metrics.LOOP_LAG.set(self._health.lag)
        body, kind = exposed(request.headers.get("accept", ""))
        return Response(body, media_type=kind)


def _checked(fine: bool, checks: dict[str, Any]) -> Response:  # noqa: FBT001 -- the answer itself
    said = {"status": "ok" if fine else "service unavailable", "checks": checks}
    return Response(encoded(said), status_code=200 if fine else 503, media_type=JSON)
