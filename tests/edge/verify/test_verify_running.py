"""The worker that audits names nothing while all is as it should be, whatever moves."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.edge.command_line import Daemon, Semel
from tests.edge.looking import Scraped
from tests.edge.verify.damaging import orders
from tests.eventually import at_last

CODE = {
    "SEMEL_PROJECTIONS": "tests.edge.poisoned", "SEMEL_PARK_AFTER_SECONDS": "0.05",
    "SEMEL_AUDIT_LOAD": "1", "SEMEL_METRICS_PORT": "0",
}  # fmt: skip
ORDERS = 1500
SICK = ("order-1", "order-17")


def checked(url: str) -> None:
    """Until rows of each projection have been checked some more."""
    for projection in ("orders", "customers"):
        before = _rows(url, projection)
        at_last(partial(_has_more, url, projection, before), "rows are checked", 30)


def _rows(url: str, projection: str) -> float:
    return Scraped(url)("semel_audit_rows_total", projection=projection)


def _has_more(url: str, projection: str, than: float) -> bool:
    return _rows(url, projection) > than


def url_of(worker: Daemon) -> str:
    url: str = worker.logged("monitoring.served")["url"]
    worker.logged("worker.started")
    return url


def file_of(folder: Path, name: str, lines: Sequence[dict[str, Any]]) -> str:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_nothing_is_named_while_orders_flow_and_aggregates_are_parked_and_replayed(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel, lines = Semel(valkey_url, namespace), list(orders(ORDERS))
    sick = [
        {"type": "ShipOrder", "aggregate": name, "id": f"{name}-s", "data": {}} for name in SICK
    ]
    first = file_of(tmp_path, "first", [*lines[:500], *sick, *lines[500:1000]])
    second = file_of(tmp_path, "second", lines[1000:])
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        with semel.daemon("project", **CODE, POISON_ORDERS=" ".join(SICK)) as worker:
            url = url_of(worker)
            with semel.daemon("submit", "--from", first, "-o", "json") as load:
                checked(url)
                load.end()
            at_last(
                lambda: len(semel.run("dead", "list", "-o", "json", stdin=b"", **CODE).data) == 2,
                "both are parked",
            )
            checked(url)
            said = worker.stop()
        assert "projection.parked" in said.err
        assert "projection.differs" not in said.err, said.err
        with semel.daemon("project", **CODE) as worker:
            url = url_of(worker)
            with semel.daemon("submit", "--from", second, "-o", "json") as load:
                assert semel.run("dead", "retry", "orders", stdin=b"", **CODE).code == 0
                checked(url)
                load.end()
            checked(url)
            said = worker.stop()
        assert "projection.unparked" in said.err
        assert "projection.differs" not in said.err, said.err
