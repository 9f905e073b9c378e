"""Northwind through everything: ``semel dev`` and ``semel submit --from``, as processes.

830 orders of a real company, converted to commands, submitted, projected and read back;
then once more; then with everything killed in the middle.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from engine import NotFound, app, settings
from engine.core.outcome import Receipt
from engine.edge.bench import wire
from engine.edge.client import Client
from handlers.orders import OrderStatus
from projections.customers import GetCustomer
from projections.orders import GetOrdersByCustomer, OrderView
from tests import northwind
from tests.edge.processes import is_alive
from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
PAGE = 100

pytestmark = pytest.mark.timeout(120)


class Dev(NamedTuple):
    """``semel dev`` under way: its process, its server's, and where that is."""

    process: "subprocess.Popen[str]"
    server_pid: int
    url: str

    def kill(self) -> None:
        """Everything at once, as a power switch would."""
        os.kill(self.process.pid, signal.SIGKILL)
        os.kill(self.server_pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def dev(data: Path) -> Iterator[Dev]:
    """Start ``semel dev`` on a directory and wait for its banner."""
    command = [sys.executable, "-m", "engine.edge.cli", "dev", "--data", str(data)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            url = _url_in_banner(process)
            info = wire.ask(int(url.rpartition(":")[2]), b"INFO", b"server").decode()
            (pid,) = re.findall(r"process_id:(\d+)", info)
            yield Dev(process, int(pid), url)
        finally:
            process.kill()


def _url_in_banner(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"export SEMEL_REDIS=(\S+)", line)
        if found is not None:
            return found[1]
    raise AssertionError(f"semel dev ended: {''.join(said)}")


@pytest.fixture(scope="module")
def jsonl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Northwind as commands, one a line."""
    path = tmp_path_factory.mktemp("northwind") / "northwind.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in northwind.commands()))
    return path


def submit(jsonl: Path, url: str, shown: str = "json") -> "subprocess.Popen[str]":
    """Start ``semel submit --from``."""
    words = ["submit", "--from", str(jsonl), "--redis", url, "-o", shown]
    return subprocess.Popen(
        [sys.executable, "-m", "engine.edge.cli", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def load(jsonl: Path, url: str) -> dict[str, int]:
    """Load it all; returns how many lines were accepted, were duplicates, and so on."""
    out, err = (process := submit(jsonl, url)).communicate()
    assert process.returncode == 0, err
    counts: dict[str, int] = json.loads(out)["data"]
    return counts


async def read_model_is_right(url: str) -> None:
    """Hold the read model against the tables: every order, every customer, every sum."""
    expected = northwind.expected()
    set_up = settings.load(redis=url)
    async with app.open_client(set_up, app.domain_of(set_up)) as client:
        assert await eventually(partial(_caught_up, set_up), "the projections caught up", 20)
        orders: dict[str, OrderView] = {}
        for key, customer in expected.customers.items():
            mine = await _orders_of(client, key)
            assert [order.id for order in mine] == customer.orders
            orders |= {order.id: order for order in mine}
            row = await client.queries.dispatch(GetCustomer(customer_id=key))
            assert (row.name, row.order_count, row.order_amount) == (
                customer.name,
                len(customer.orders),
                customer.amount,
            )
            assert {order.customer_name for order in mine} <= {customer.name}
    assert len(orders) == 830
    assert {id: order.total_amount for id, order in orders.items()} == expected.amounts
    shipped = {id for id, order in orders.items() if order.status is OrderStatus.SHIPPED}
    cancelled = {id for id, order in orders.items() if order.status is OrderStatus.CANCELLED}
    assert (shipped, cancelled) == (expected.shipped, expected.cancelled)
    assert (len(shipped), len(cancelled)) == (809, 21)
    assert sum(order.total_amount for order in orders.values()) == Decimal("1354458.59")
    assert sum(orders[id].total_amount for id in shipped) == Decimal("1327014.83")


async def _caught_up(set_up: settings.Settings) -> bool:
    async with app.namespace_session(set_up) as session:
        for partition in range(session.partitions):
            state = await session.inspection.partition(partition)
            for name in ("orders", "customers"):
                applied = await session.checkpoints.applied(name, 1, partition)
                if state.waiting or applied.position != state.position:
                    return False
    return True


async def _orders_of(client: Client, key: str) -> list[OrderView]:
    orders: list[OrderView] = []
    page = 1
    while True:
        query = GetOrdersByCustomer(customer_id=key, page=page, page_size=PAGE)
        found = await client.queries.dispatch(query)
        orders += found.items
        if page * PAGE >= found.total:
            return orders
        page += 1


async def test_northwind_once_and_once_more(tmp_path: Path, jsonl: Path) -> None:
    with dev(tmp_path / "data") as first:
        lines = len(list(northwind.commands()))
        counts = await anyio.to_thread.run_sync(load, jsonl, first.url)
        assert (counts["lines"], counts["accepted"]) == (lines, lines)
        await read_model_is_right(first.url)
        counts = await anyio.to_thread.run_sync(load, jsonl, first.url)
        assert (counts["accepted"], counts["duplicate"]) == (0, lines)
        await read_model_is_right(first.url)
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(20) == 0
        assert not is_alive(first.server_pid)
    with dev(tmp_path / "data") as again:
        await read_model_is_right(again.url)


@pytest.mark.parametrize("answered", [1, 400, 1300])
async def test_everything_is_killed_in_the_middle(
    tmp_path: Path, jsonl: Path, answered: int
) -> None:
    with dev(tmp_path / "data") as first:
        with submit(jsonl, first.url, "jsonl") as client:
            assert client.stdout is not None
            for _ in range(answered):
                assert json.loads(client.stdout.readline())["status"] == "accepted"
            first.kill()
            client.kill()
        await eventually(lambda: not is_alive(first.server_pid), "the server is gone")
    with dev(tmp_path / "data") as second:
        counts = await anyio.to_thread.run_sync(load, jsonl, second.url)
        assert counts["duplicate"] >= answered
        assert counts["accepted"] + counts["duplicate"] == counts["lines"]
        await read_model_is_right(second.url)


async def test_the_server_dies_with_a_killed_semel(tmp_path: Path) -> None:
    with dev(tmp_path / "data") as first:
        os.kill(first.process.pid, signal.SIGKILL)
        await eventually(lambda: not is_alive(first.server_pid), "the server is gone")


async def test_an_unknown_row_is_not_an_empty_one(tmp_path: Path) -> None:
    with dev(tmp_path / "data") as first:
        set_up = settings.load(redis=first.url)
        async with app.open_client(set_up, app.domain_of(set_up)) as client:
            with pytest.raises(NotFound, match="customers has no row customer-nobody"):
                await client.queries.dispatch(
                    GetCustomer(customer_id="nobody"), after=Receipt(0, 0, "x")
                )
