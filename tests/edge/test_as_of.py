"""``semel projection row``: a row as it was at each moment of its history, and as it stands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from engine.core.outcome import Receipt
from engine.store.keys import Keys
from tests.edge.command_line import Said, Semel
from tests.edge.reborn import GONE
from tests.eventually import at_last

CODE = {"SEMEL_PROJECTIONS": "tests.edge.reborn"}
ADDRESS = {"street": "1 Main", "city": "Reims", "postal_code": "51100", "country": "FR"}


class History:
    """A namespace with a history: commands one after the other, each with its receipt."""

    def __init__(self, url: str, namespace: str) -> None:
        self.semel, self.keys = Semel(url, namespace), Keys(namespace)
        self.redis: Any = Redis.from_url(url, protocol=2)

    def submit(self, type: str, aggregate: str, **data: Any) -> str:
        """Submit a command; returns the receipt."""
        said = self.semel.run("submit", type, aggregate, json.dumps(data), "-o", "json")
        assert said.code == 0, said.err
        return str(said.data["receipt"])

    def order(self, order: str, amount: str) -> str:
        """An order of c-1."""
        item = {"product_id": "p-1", "quantity": 1, "unit_price": amount}
        return self.submit(
            "CreateOrder", order, customer_id="c-1", items=[item], shipping_address=ADDRESS
        )

    def row(self, *words: str) -> Said:
        """What is said of a row."""
        return self.semel.run("projection", "row", *words, "-o", "json", stdin=b"", **CODE)

    def came(self, receipt: str) -> datetime:
        """When the command of a receipt came."""
        where = Receipt.parse(receipt)
        at = f"{where.position}-0"
        [(_, fields)] = self.redis.xrange(self.keys.log(where.partition), at, at)
        ms = int(json.loads(fields[b"meta"])["entry"].partition("-")[0])
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


@pytest.fixture
def history(valkey_url: str, namespace: str) -> Iterator[History]:
    history = History(valkey_url, namespace)
    assert history.semel.run("init", "--partitions", "8").code == 0
    with history.semel.daemon("run") as engine:
        engine.logged("engine.started")
        yield history
    history.redis.delete(*history.redis.keys(f"*{namespace}*"))
    history.redis.close()


def test_a_row_at_each_receipt_of_its_history(history: History) -> None:
    names = ["first Ada", "Ada", GONE, "Bea", GONE, "first Cleo"]
    receipts = [history.submit("RegisterCustomer", "customer-c-1", name=names[0])]
    receipts += [history.submit("RenameCustomer", "customer-c-1", name=name) for name in names[1:]]
    first = None
    for version, (name, receipt) in enumerate(zip(names, receipts, strict=True), 1):
        said = history.row("people", "customer-c-1", "--at", receipt)
        if name == GONE:
            first = None
            assert said.code == 4
            assert "it was deleted" in said.err
            assert f"position {version} of partition" in said.err
            continue
        first = name if name.startswith("first") else first
        assert said.code == 0, said.err
        assert said.data["row"] == {"id": "customer-c-1", "name": name, "first": first}
        partition = Receipt.parse(receipt).partition
        assert said.data["watermarks"] == {str(partition): version}
        assert said.data["at"] == receipt
        same = history.row("people", "customer-c-1", "--at", history.came(receipt).isoformat())
        assert same.data["row"] == said.data["row"]
    before = history.came(receipts[0]) - timedelta(milliseconds=1)
    for at in (before.isoformat(), "-1d", f"{Receipt.parse(receipts[0]).partition}.0.any"):
        said = history.row("people", "customer-c-1", "--at", at)
        assert said.code == 4
        assert "no event had made it" in said.err


def test_a_row_that_several_partitions_feed(history: History) -> None:
    receipts: list[str] = []
    sums: list[tuple[str | None, int, str]] = []
    amount = Decimal(0)
    for n in range(8):
        amount += Decimal(f"{n}.50")
        receipts.append(history.order(f"order-{n}", f"{n}.50"))
        sums.append((None, n + 1, str(amount)))
    receipts.append(history.submit("RegisterCustomer", "customer-c-1", name="Ada"))
    sums.append(("Ada", 8, str(amount)))
    assert len({Receipt.parse(receipt).partition for receipt in receipts}) > 2
    for receipt, (name, count, total) in zip(receipts, sums, strict=True):
        said = history.row("customers", "customer-c-1", "--at", receipt)
        assert said.code == 0, said.err
        row = {"id": "customer-c-1", "name": name, "order_count": count, "order_amount": total}
        assert said.data["row"] == row


def test_a_row_of_now_stands_beside_what_is_in_redis(history: History) -> None:
    receipt = history.submit("RegisterCustomer", "customer-c-1", name="Ada")
    with history.semel.daemon("project", **CODE) as worker:
        worker.logged("worker.started")
        at_last(
            lambda: history.redis.exists(history.keys.row("people", 1, "customer-c-1")),
            "it is projected",
        )
        worker.stop()
    said = history.row("people", "customer-c-1")
    assert (said.code, said.errors) == (0, [])
    assert said.data["row"]["name"] == said.data["stands"]["name"] == "Ada"
    assert said.data["behind"] == 0
    history.redis.hset(history.keys.row("people", 1, "customer-c-1"), "name", "Eve")
    history.submit("RenameCustomer", "customer-c-1", name="Bea")
    said = history.row("people", "customer-c-1")
    assert (said.code, said.data["behind"]) == (1, 1)
    [error] = said.errors
    assert (error["code"], error["id"]) == ("row_differs", "name")
    assert (error["expected"], error["found"]) == ("'Ada'", "'Eve'")
    assert history.row("people", "customer-c-1", "--at", "-0s").data["row"]["name"] == "Bea"
    text = history.semel.run("projection", "row", "people", "customer-c-1", stdin=b"", **CODE)
    assert "people@1 is 1 events behind the logs" in text.out
    assert f"of events {Receipt.parse(receipt).partition}/1" in text.out
    words = ["projection", "row", "people", "customer-c-1", "-o", "jsonl"]
    lines = history.semel.run(*words, stdin=b"", **CODE)
    assert (lines.code, [line["row"]["name"] for line in lines.lines]) == (1, ["Ada"])
    assert "expected 'Ada', found 'Eve'" in lines.err
    history.redis.hset(history.keys.row("people", 1, "nobody"), "name", "Eve")
    said = history.row("people", "nobody")
    assert said.code == 4
    assert "no event had made it. What stands in Redis is wrong" in said.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nothing", "x"], 4, "there is no projection nothing"),
        (["people", "x"], 4, "there is no row x in people as of now: no event had made it"),
        (["people", "x", "--at", "yesterday"], 2, "'yesterday' is no moment"),
        (["people", "x", "--at", "2026-01-31T12:00:00"], 2, "must carry its offset"),
        (["people", "x", "--at", "0.1.elsewhere"], 1, "lost: 0.1.elsewhere stands for what"),
        (["people", "x", "--at", "99.1.elsewhere"], 2, "of partition 99; there are 8"),
        (["orders", "x"], 4, "Those in the code here: customers, people"),
    ],
)
def test_what_cannot_be_asked(history: History, words: list[str], code: int, message: str) -> None:
    said = history.row(*words)
    assert said.code == code, said.err
    assert message in said.err


def test_without_the_projections_code_no_row_can_be_folded(history: History) -> None:
    receipt = history.submit("RegisterCustomer", "customer-c-1", name="Ada")
    key = history.keys.live("people")
    history.redis.hset(key, mapping={"revision": "1", "live": "1"})
    said = history.semel.run("projection", "row", "people", "customer-c-1", "--at", receipt)
    assert said.code == 2
    assert "the code of people is not here" in said.err
