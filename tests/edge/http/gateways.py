"""The order shop behind a gateway, all in this process, and what is said to it."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import anyio
import httpx2

from engine import app, settings
from engine.edge.http.serving import gateway_role, listening, url_of

ORDER: Mapping[str, Any] = {
    "customer_id": "c-1",
    "items": [{"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}],
    "shipping_address": {"street": "1 Main", "city": "Reims", "country": "FR"},
}


@asynccontextmanager
async def gateway(
    redis: str, namespace: str, *, engine: bool = True, kept: int | None = None, **more: Any
) -> AsyncIterator[str]:
    """A gateway, with an engine and a worker unless there shall be none; gives where it is.

    Of what callers have not read yet the kernel keeps about ``kept`` bytes; else megabytes.
    """
    set_up = settings.load(redis=redis, namespace=namespace, partitions=4, audit_load=0, **more)
    domain, health = app.domain_of(set_up), app.Health(set_up.stall_seconds)
    with listening("127.0.0.1", 0) as listener:
        if kept is not None:  # connections have it of their listener
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kept)
        roles = [gateway_role(set_up, domain, health, listener, 4)]
        if engine:
            roles += [app.engine_role(set_up, domain), app.worker_role(set_up, domain)]
        async with app.serving(roles, 5) as ready, anyio.create_task_group() as tasks:
            tasks.start_soon(health.watch)
            await ready.wait()
            yield url_of(listener)
            tasks.cancel_scope.cancel()


class Shop(httpx2.Client):
    """Somebody who calls."""

    def order(self, order: str, **headers: str) -> httpx2.Response:
        """Create an order."""
        return self.command("CreateOrder", order, ORDER, **headers)

    def command(
        self, type: str, aggregate: str, data: object = None, **headers: str
    ) -> httpx2.Response:
        """Send a command; headers with ``_`` for each ``-``."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        where = {"aggregate": aggregate}
        return self.post(f"/v1/commands/{type}", params=where, json=data or {}, headers=said)

    def asked(self, query: str, headers: Mapping[str, str] | None = None, **fields: Any) -> Any:
        """Ask a query."""
        return self.get(f"/v1/queries/{query}", params=fields, headers=headers)


def new_order() -> str:
    """An order that nobody else has."""
    return f"order-{uuid4().hex}"
