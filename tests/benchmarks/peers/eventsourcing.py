"""The library eventsourcing: an Application with an Aggregate, on SQLite or on PostgreSQL.

Its applications are synchronous: a client with many orders in flight is a pool of threads.
"""

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from tests.benchmarks.peers import pace

DRAIN_THREADS = {"postgres": 16, "sqlite": 1}
"""What drains fastest: SQLite has one writer, PostgreSQL's commits overlap."""


class Order(Aggregate):
    @event("Created")
    def __init__(
        self, order_id: str, customer_id: str, items: list[Any], shipping_address: dict[str, str]
    ) -> None:
        if not items:
            raise ValueError("an order has items")
        self.order_id, self.customer_id = order_id, customer_id
        self.items, self.shipping_address = items, shipping_address
        self.total = sum(Decimal(each["unit_price"]) * each["quantity"] for each in items)

    @staticmethod
    def create_id(order_id: str) -> UUID:
        return uuid5(NAMESPACE_URL, order_id)


class Shop(Application[UUID]):
    def create_order(self, order: dict[str, Any]) -> None:
        self.save(Order(**order))


def environment(plan: pace.Plan) -> dict[str, str]:
    """The settings of a store, as the documentation has them, and of as many connections."""
    if not plan.url:
        return {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(Path(plan.folder) / "shop.db"),
        }
    where = urlsplit(plan.url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": where.path[1:],
        "POSTGRES_HOST": where.hostname or "",
        "POSTGRES_PORT": str(where.port),
        "POSTGRES_USER": where.username or "",
        "POSTGRES_PASSWORD": "trusted",
        "POSTGRES_POOL_SIZE": "16",
        "POSTGRES_MAX_OVERFLOW": "0",
        "POSTGRES_POOL_TIMEOUT": "60",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
    }


def measure(plan: pace.Plan, act: Callable[[dict[str, Any]], object]) -> None:
    pace.threaded(0.2, 1, act)
    threads = DRAIN_THREADS["postgres" if plan.url else "sqlite"]
    pace.tell(
        ("eventsourcing",),
        drain=pace.threaded(plan.seconds, threads, act),
        one=pace.threaded(plan.seconds, 1, act),
        **{f"at_{n}": pace.threaded(plan.seconds, n, act) for n in pace.IN_FLIGHT},
    )


if __name__ == "__main__":
    asked = pace.plan()
    os.environ.update(environment(asked))
    shop = Shop()
    measure(asked, shop.create_order)
    shop.close()
