"""``semel query``, ``events``, ``log`` and ``status``, on a real server."""

import json
import secrets
import signal
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.edge.command_line import Semel

CUSTOMERS = ["customer-a", "customer-b", "customer-c"]


@pytest.fixture(scope="module")
def semel(valkey_url: str) -> Iterator[Semel]:
    """A namespace that is served, where three customers have registered in this order."""
    semel = Semel(valkey_url, f"test_{secrets.token_hex(4)}")
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.served():
        for customer in CUSTOMERS:
            assert semel.run("submit", "RegisterCustomer", customer, f"name={customer}").code == 0
        assert semel.run("submit", "RenameCustomer", "customer-a", "name=Ada").code == 0
        yield semel


def test_events_of_an_aggregate(semel: Semel) -> None:
    said = semel.process("events", "customer-a", "-o", "json")
    assert (said.code, said.err) == (0, "")
    assert [(event["version"], event["type"]) for event in said.data] == [
        (1, "CustomerRegistered"),
        (2, "CustomerRenamed"),
    ]
    assert said.data[0]["data"] == {"name": "customer-a"}
    [second] = semel.run("events", "customer-a", "--after", "1", "-o", "jsonl").lines
    assert second == said.data[1]
    text = semel.run("events", "customer-a", "--limit", "1")
    assert 'CustomerRegistered  {"name":"customer-a"}' in text.out
    assert "--after 1" in text.err


def test_an_aggregate_without_events_is_4(semel: Semel) -> None:
    said = semel.run("events", "customer-nobody")
    assert (said.code, said.out) == (4, "")
    assert "customer-nobody has no events" in said.err
    assert semel.run("events", "customer-a", "--after", "2").code == 0


def test_the_log_is_merged_by_time(semel: Semel) -> None:
    said = semel.process("log", "-o", "json")
    assert (said.code, said.err) == (0, "")
    assert [event["aggregate"] for event in said.data] == [*CUSTOMERS, "customer-a"]
    assert semel.run("log", "--limit", "2", "-o", "json").data == said.data[-2:]
    assert semel.run("log", "--after", "0", "--limit", "2", "-o", "jsonl").lines == said.data[:2]

    partition = said.data[0]["partition"]
    one = semel.run("log", "--partition", str(partition), "-o", "json").data
    assert one == [event for event in said.data if event["partition"] == partition]
    assert [event["position"] for event in one] == list(range(1, len(one) + 1))
    assert semel.run("log", "--partition", "4").code == 2
    assert "CustomerRenamed" in semel.run("log").out


def follow(semel: Semel, *words: str) -> Generator[dict[str, Any]]:
    """What a verb with --follow shows, line by line."""
    with semel.daemon(*words, "--follow", "-o", "jsonl") as following:
        yield from map(json.loads, following.shown())


def test_events_and_log_can_be_followed(semel: Semel) -> None:
    customer = f"customer-{secrets.token_hex(4)}"
    history = follow(semel, "events", customer)
    log = follow(semel, "log", "--limit", "1")
    assert next(log)["version"] > 0
    for version in (1, 2):
        verb = "RegisterCustomer" if version == 1 else "RenameCustomer"
        assert semel.run("submit", verb, customer, f"name={version}").code == 0
        for seen in (next(history), next(log)):
            assert (seen["version"], seen["data"]) == (version, {"name": str(version)})
    history.close()
    log.close()
    assert semel.run("log", "--follow", "-o", "json").code == 2


def test_ctrl_c_and_a_closed_pipe_end_quietly(semel: Semel) -> None:
    with semel.daemon("log", "--follow") as following:
        next(following.shown())
        ended = following.stop(signal.SIGINT)
        assert (ended.code, ended.err) == (130, "")
    with semel.daemon("log", "--follow") as following:
        lines = following.shown()
        next(lines)
        following.hang_up()
        assert semel.run("submit", "RenameCustomer", "customer-b", "name=B").code == 0
        ended = following.end()
        assert (ended.code, ended.err) == (141, "")


def test_queries(semel: Semel) -> None:
    said = semel.run(
        "query", "GetOrdersByCustomer", "customer_id=a", "page=1", "page_size:=5", "-o", "json"
    )
    assert (said.code, said.err) == (0, "")
    assert said.data == {"items": [], "page": 1, "page_size": 5, "total": 0, "next": None}
    assert (
        semel.run("query", "GetCustomer", '{"customer_id": "b"}', "-o", "jsonl").lines[0]["id"]
        == "customer-b"
    )


def test_a_list_goes_on_by_cursor(semel: Semel) -> None:
    order = {
        "customer_id": "pages",
        "items": [{"product_id": "p-1", "quantity": 1, "unit_price": "1.00"}],
        "shipping_address": {"street": "1 Main", "city": "Reims", "country": "FR"},
    }
    receipts = [
        semel.run("submit", "CreateOrder", f"order-page-{n}", json.dumps(order), "-o", "json").data[
            "receipt"
        ]
        for n in range(3)
    ]
    asked = ["query", "GetOrdersByCustomer", "customer_id=pages"]
    for receipt in receipts:
        assert semel.run(*asked, "--after", receipt).code == 0
    page = semel.run(*asked, "page_size:=2", "-o", "json").data
    text = semel.run(*asked, "page_size:=2").out
    assert text.endswith(f"page 1 of 2, 3 in all; next: {page['next']}\n")
    rest = semel.run(*asked, f"cursor={page['next']}", "-o", "json").data
    assert [each["id"] for each in (*page["items"], *rest["items"])] == [
        "order-page-2", "order-page-1", "order-page-0",
    ]  # fmt: skip
    assert (rest["page"], rest["total"], rest["next"]) == (None, 3, None)
    other = semel.run("query", "GetOrdersByCustomer", "customer_id=a", f"cursor={page['next']}")
    assert (other.code, "is no cursor of orders.by_customer of 'a'" in other.err) == (2, True)
    both = semel.run(*asked, "page=2", f"cursor={page['next']}")
    assert (both.code, "page and cursor both say" in both.err) == (2, True)


def test_a_receipt_is_good_for_any_process_and_any_projection(semel: Semel) -> None:
    """Of a read model that takes none of that partition's events, and of a rejected command."""
    renamed = semel.process("submit", "RenameCustomer", "customer-c", "name=Cy", "-o", "json").data
    refused = semel.process("submit", "ShipOrder", "order-none", "-o", "json").data
    assert refused["status"] == "rejected"
    for receipt in (renamed["receipt"], refused["receipt"]):
        asked = ["query", "GetOrdersByCustomer", "customer_id=nobody", "--after", receipt]
        said = semel.process(*asked, "-o", "json")
        assert (said.code, said.data["total"]) == (0, 0)
    said = semel.run("query", "GetCustomer", "customer_id=c", "--after", renamed["receipt"])
    assert (said.code, "Cy" in said.out) == (0, True)


def test_a_view_that_has_not_got_so_far_is_6(semel: Semel) -> None:
    renamed = semel.run("submit", "RenameCustomer", "customer-a", "name=A", "-o", "json").data
    partition, _, branch = renamed["receipt"].split(".")
    later = f"{partition}.999999.{branch}"
    said = semel.run("query", "GetCustomer", "customer_id=a", "--after", later, "--wait", "0.2")
    assert said.code == 6
    assert "999999" in said.err


@pytest.mark.parametrize(
    ("code", "words", "complaint"),
    [
        (4, ["GetOrderById", "order_id=order-none"], "no row order-none"),
        (2, ["GetOrderByd"], "Did you mean GetOrderById?"),
        (2, ["Nothing"], "GetCustomer, GetOrderById, GetOrdersByCustomer"),
        (2, ["GetOrderById"], "order_id: Field required"),
        (2, ["GetOrderById", "order_id=x", "colour=red"], "colour"),
        (2, ["GetOrdersByCustomer", "customer_id=a", "page=zero"], "page: "),
        (2, ["GetOrderById", "order_id=x", "--after", "yesterday"], "not a receipt"),
        (1, ["GetCustomer", "customer_id=a", "--after", "1.999999.x"], "what a server lost"),
    ],
)
def test_queries_that_have_no_answer(
    semel: Semel, code: int, words: list[str], complaint: str
) -> None:
    said = semel.run("query", *words, "-o", "json")
    assert said.code == code
    assert said.data is None
    assert complaint in said.errors[0]["message"]
    assert complaint in said.err
    assert "Traceback" not in said.err


def test_read_models_that_import_a_way_to_redis_are_not_loaded(semel: Semel) -> None:
    said = semel.process(
        "query", "GetCustomer", "customer_id=a", SEMEL_PROJECTIONS="tests.edge.sly"
    )
    assert (said.code, said.out) == (2, "")
    assert "tests/edge/sly.py:5: redis.asyncio.Redis leads to Redis" in said.err


def test_status_says_who_serves(semel: Semel) -> None:
    said = semel.process("status", "-o", "json")
    assert (said.code, said.err, said.errors) == (0, "", [])
    assert said.data["served"]
    assert {partition["partition"] for partition in said.data["partitions"]} == {0, 1, 2, 3}
    assert sum(partition["commit"] for partition in said.data["partitions"]) >= 4
    assert {node["role"] for node in said.data["nodes"]} == {"engine", "worker"}
    assert {each["name"]: each["owned"] for each in said.data["projections"]} == {
        "customers": 4,
        "orders": 4,
        "stock": 4,
    }
    text = semel.run("status").out
    assert text.startswith(f"{semel.namespace}: all 4 partitions are served")
    assert "nobody" not in text


@pytest.mark.parametrize(
    "words", [["events", "order-1"], ["log"], ["status"], ["query", "GetOrderById", "order_id=x"]]
)
def test_no_such_namespace_is_4(valkey_url: str, namespace: str, words: list[str]) -> None:
    said = Semel(valkey_url, namespace).run(*words, "-o", "json")
    assert said.code == 4
    assert "semel init" in said.errors[0]["message"]
