"""Protean: an event-sourced aggregate behind a command handler, processed in the caller's thread.

With Message DB on PostgreSQL as its event store, installed by that package's own script; without a
URL in memory, which is Protean's default. Callers are a pool of threads.
"""

import logging
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from protean import Domain, apply, handle
from protean.core.aggregate import BaseAggregate
from protean.core.command import BaseCommand
from protean.core.command_handler import BaseCommandHandler
from protean.core.event import BaseEvent
from protean.fields import Dict, Identifier, List, String
from protean.utils.globals import current_domain

from tests.benchmarks.peers import pace

THREADS_MOST = 64
"""One connection each; more callers than that wait for their turn outside."""


domain = Domain(name="shop")
domain.config["command_processing"] = "sync"


@domain.event(part_of="Order")
class OrderCreated(BaseEvent):
    order_id = Identifier(required=True)
    customer_id = String(required=True)
    items = List()
    shipping_address = Dict()


@domain.aggregate(is_event_sourced=True)
class Order(BaseAggregate):
    order_id = Identifier(identifier=True)
    customer_id = String()
    items = List()
    shipping_address = Dict()

    @classmethod
    def create(cls, command: "CreateOrder") -> Any:
        if not command.items:
            raise ValueError("an order has items")
        order = cls._create_new(order_id=command.order_id)
        order.raise_(
            OrderCreated(
                order_id=command.order_id,
                customer_id=command.customer_id,
                items=command.items,
                shipping_address=command.shipping_address,
            )
        )
        return order

    @apply
    def created(self, event: OrderCreated) -> None:
        self.order_id, self.customer_id = event.order_id, event.customer_id
        self.items, self.shipping_address = event.items, event.shipping_address


@domain.command(part_of=Order)
class CreateOrder(BaseCommand):
    order_id = Identifier(identifier=True)
    customer_id = String(required=True)
    items = List()
    shipping_address = Dict()


@domain.command_handler(part_of=Order)
class Orders(BaseCommandHandler):
    @handle(CreateOrder)
    def create(self, command: CreateOrder) -> str:
        current_domain.repository_for(Order).add(Order.create(command))
        return str(command.order_id)


def message_db(plan: pace.Plan) -> dict[str, Any]:
    """Install Message DB into an empty PostgreSQL, and say where it is."""
    where = urlsplit(plan.url)
    script = Path(plan.home) / "node_modules/@eventide/message-db/database/install.sh"
    server = {"PGHOST": where.hostname, "PGPORT": str(where.port), "PGUSER": where.username}
    installed = subprocess.run(
        ["/usr/bin/env", "bash", str(script)],
        env={**os.environ, **{name: str(value) for name, value in server.items()}},
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    if installed.returncode:
        raise RuntimeError(f"Message DB could not be installed: {installed.stderr}")
    url = f"postgresql://{where.username}@{where.hostname}:{where.port}/message_store"
    search = "?options=-c%20search_path%3Dmessage_store"
    return {
        "provider": "message_db", "database_uri": url + search, "max_connections": THREADS_MOST,
    }  # fmt: skip


def measure(plan: pace.Plan) -> None:
    if plan.url:
        domain.config["event_store"] = message_db(plan)
    domain.init(traverse=False)

    def create(order: dict[str, Any]) -> None:
        with domain.domain_context():
            domain.process(CreateOrder(**order))

    pace.threaded(0.3, 1, create)
    drained = pace.threaded(plan.seconds, 1, create)
    parts = {"drain": drained, "one": drained}
    if plan.url:
        parts["at_64"] = pace.threaded(plan.seconds, 64, create)
    pace.tell(("protean",), **parts)


if __name__ == "__main__":
    # It tells of every command otherwise, which takes as long as handling it.
    logging.disable(logging.INFO)
    measure(pace.plan())
