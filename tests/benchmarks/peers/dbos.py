"""DBOS: a workflow of one step that is a transaction of the application's own database.

Callers are a pool of threads that call the workflow. (A queue of DBOS would put a row more, and a
look for it, before each order.)
"""

import json
import logging
from pathlib import Path
from typing import Any

import sqlalchemy
from dbos import DBOS, DBOSConfig, SQLAlchemyDatasource

from tests.benchmarks.peers import pace

DRAIN_THREADS = 4
"""What is fastest: it is bound by one process's Python, and more threads only take turns."""


def shop(plan: pace.Plan) -> Any:
    """The workflow, on a database with the orders' table; DBOS is launched afterwards."""
    database = Path(plan.folder) / "shop.db"
    url = plan.url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{database}"
    system = plan.url or f"sqlite:///{Path(plan.folder) / 'system.db'}"
    config: DBOSConfig = {"name": "shop", "system_database_url": system, "log_level": "ERROR"}
    DBOS(config=config)
    datasource = SQLAlchemyDatasource.create(url)
    with datasource.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("CREATE TABLE orders (id TEXT PRIMARY KEY, data JSON NOT NULL)")
        )

    @datasource.transaction
    def insert(order: dict[str, Any]) -> None:
        datasource.sql_session().execute(
            sqlalchemy.text("INSERT INTO orders (id, data) VALUES (:id, :data)"),
            {"id": order["order_id"], "data": json.dumps(order)},
        )

    @DBOS.workflow()
    def create_order(order: dict[str, Any]) -> str:
        if not order["items"]:
            raise ValueError("an order has items")
        insert(order)
        return str(order["order_id"])

    return create_order


def measure(plan: pace.Plan) -> None:
    create = shop(plan)
    DBOS.launch()
    pace.threaded(0.3, 1, create)
    parts = {
        "drain": pace.threaded(plan.seconds, DRAIN_THREADS, create),
        "one": pace.threaded(plan.seconds, 1, create),
        **{f"at_{n}": pace.threaded(plan.seconds, n, create) for n in pace.IN_FLIGHT},
    }
    pace.tell(("dbos",), **parts)
    DBOS.destroy()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    measure(pace.plan())
