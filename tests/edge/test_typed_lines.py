"""What the documents have one type is typed, line by line, beside a shop that is served."""

import json
import re
import secrets
import shlex
import socket
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from redis import Redis

from tests.edge.command_line import Semel
from tests.edge.http.gateways import ORDER
from tests.snippets import blocks
from tests.typed import commands, is_elsewhere, words

PAGES = (
    "README.md", "docs/cli.md", "docs/domain.md", "docs/evolution.md", "docs/operations.md",
    "docs/queries.md",
)  # fmt: skip
"""Those whose lines are not typed by a test of their own."""

MAY_SAY_NO = re.compile(
    r"semel (dead|doctor|node drain|projection (cancel|rollback|flip|adopt|resume|row)"
    r"|submit (AddOrderItem|ShipOrder))"
)
"""Lines whose answer follows from what has happened: a dead letter, a build that is under way."""


class Reader(NamedTuple):
    """Somebody at a shell, for whom things are called otherwise than on the page."""

    semel: Semel
    ours: dict[str, str]
    in_redis: dict[str, str]

    def type(self, command: str) -> None:
        """Type a command; it must be understood, and done unless it may say no."""
        said = words(_replaced(command, self.ours))
        if is_elsewhere(said):
            return
        if said[0] != "semel":
            shell = _replaced(command, self.ours | self.in_redis)
            subprocess.run(["/bin/sh", "-ec", shell], check=True, capture_output=True, timeout=20)
            return
        new = self.semel._replace(namespace=f"typed_{secrets.token_hex(4)}")
        ended = (new if said[1] == "init" else self.semel).run(*said[1:])
        fine = {0, 1, 4} if MAY_SAY_NO.match(shlex.join(said)) else {0}
        assert ended.code in fine, (command, ended)


def _replaced(command: str, by: dict[str, str]) -> str:
    for told, ours in by.items():
        command = command.replace(told, ours)
    return command


@pytest.fixture(scope="module")
def reader(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A shop with the orders that pages speak of."""
    home = tmp_path_factory.mktemp("typed")
    (home / "order.json").write_text(json.dumps(ORDER))
    many = {"type": "CreateOrder", "aggregate": "order-77", "data": ORDER, "id": "77"}
    (home / "orders.jsonl").write_text(json.dumps(many) + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    semel = Semel(valkey_url, "test_typed")
    assert semel.run("init", "--partitions", "16").code == 0
    with semel.daemon("run", "--metrics-port", port) as engine, semel.daemon("project") as worker:
        engine.logged("engine.started")
        worker.logged("worker.started")
        first, receipt = (
            semel.run(
                "submit", "CreateOrder", order, f"@{home}/order.json", "--id", f"{order}-create",
                "-o", "json",
            ).data["receipt"]
            for order in ("order-43", "order-42")
        )  # fmt: skip
        assert semel.run("query", "GetOrderById", "order_id=order-43", "--after", first).code == 0
        some = ("customer_id=c-1", "page_size=1", "--after", receipt, "-o", "json")
        cursor = semel.run("query", "GetOrdersByCustomer", *some).data["next"]
        yield Reader(
            semel,
            {
                "localhost:9464": f"localhost:{port}", "order.json": f"{home}/order.json",
                "orders.jsonl": f"{home}/orders.jsonl", "13.7.1f9c83d0": receipt,
                "redis://127.0.0.1:6379": valkey_url, "redis://…": valkey_url,
                "JeC4MEJ5…": cursor,
            },
            {
                " -p 7901": "", "redis-cli": f"redis-cli -p {valkey_url.rpartition(':')[2]}",
                "{semel": "{test_typed", "semel:": "test_typed:",
            },
        )  # fmt: skip
    with Redis.from_url(valkey_url) as plain:
        plain.acl_deluser("semel")


@pytest.mark.parametrize("page", PAGES)
def test_each_line_that_one_types_is_done(reader: Reader, page: str) -> None:
    for block in blocks(page, "sh"):
        for command in commands(block):
            reader.type(command)
