"""``semel dead`` on a real server: poison is parked, shown, mended and replayed, or given up."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.edge.command_line import Said, Semel
from tests.edge.verify.damaging import orders
from tests.eventually import at_last

CODE = {"SEMEL_PROJECTIONS": "tests.edge.poisoned"}
QUICK = {"SEMEL_PARK_AFTER_SECONDS": "0.05"}


@pytest.fixture
def semel(valkey_url: str, namespace: str) -> Iterator[Semel]:
    """One partition, and an engine."""
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "1").code == 0
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        yield semel


@contextmanager
def worker(semel: Semel, **environment: str) -> Iterator[None]:
    """A projection worker, until the end."""
    with semel.daemon("project", **CODE, **QUICK, **environment) as daemon:
        daemon.logged("worker.started")
        yield
        assert daemon.stop().code == 0


def here(semel: Semel, *words: str, **environment: str) -> Said:
    """A verb, where the poisoned code is at hand."""
    return semel.run(*words, stdin=b"", **CODE, **environment)


def submit(semel: Semel, type: str, aggregate: str, data: object) -> str:
    """Submit a command; returns the receipt."""
    said = semel.run("submit", type, aggregate, json.dumps(data), "-o", "json")
    assert said.code == 0, said.err
    return str(said.data["receipt"])


def shown(semel: Semel, order: str, receipt: str) -> Said:
    """A query that waits for a receipt."""
    words = ["query", "GetOrderById", f"order_id={order}", "--after", receipt, "-o", "json"]
    return here(semel, *words)


def ship_two(semel: Semel) -> tuple[str, str]:
    """Two orders, created and shipped; returns the receipts of both shipments."""
    for order in ("order-1", "order-2"):
        created = next(line for line in orders(2) if line["type"] == "CreateOrder")
        submit(semel, "CreateOrder", order, created["data"])
    return submit(semel, "ShipOrder", "order-1", {}), submit(semel, "ShipOrder", "order-2", {})


def test_a_planted_bug_is_parked_mended_and_replayed(semel: Semel) -> None:
    with worker(semel, POISON_ORDERS="order-1"):
        first, second = ship_two(semel)
        assert shown(semel, "order-2", second).data["status"] == "shipped"
        said = shown(semel, "order-1", first)
        assert (said.code, said.errors[0]["code"]) == (1, "parked")
        assert "semel dead retry orders order-1" in said.errors[0]["message"]
        [dead] = here(semel, "dead", "list", "-o", "jsonl").lines
        assert (dead["source"], dead["name"], dead["type"]) == ("orders", "order-1", "OrderShipped")
        assert "KeyError" in here(semel, "dead", "list").out
        text = semel.run("dead", "show", "orders", "order-1")
        assert "Traceback" in text.out
        assert "a planted bug about order-1" in text.out
        status = semel.run("status", "-o", "json")
        assert {each["name"]: each["parked"] for each in status.data["projections"]} == {
            "customers": 0, "orders": 1, "stock": 0,
        }  # fmt: skip
        assert "orders passes over 1 parked aggregates" in status.data["summary"]
        verified = here(semel, "verify")
        assert verified.code == 0, verified.out
        assert "orders passes over 1 parked aggregates" in verified.out
        said = here(semel, "dead", "retry", "orders", "-o", "json")
        assert (said.code, said.data[0]["answer"]) == (1, "still parked")
    foreseen = here(
        semel, "dead", "retry", "orders", "--dry-run", "-o", "json", POISON_ORDERS="order-1"
    )
    assert (foreseen.code, foreseen.data[0]["events"]) == (1, 0)
    assert "a planted bug" in foreseen.data[0]["error"]
    foreseen = here(semel, "dead", "retry", "orders", "--dry-run", "-o", "json")
    assert (foreseen.code, foreseen.data[0]["events"], foreseen.data[0]["rows"]) == (0, 1, 1)
    said = here(semel, "dead", "retry", "orders", "order-1", "--wait", "0.2", "-o", "json")
    assert (said.code, said.data[0]["answer"]) == (6, "unanswered")
    assert "is a projection worker running" in said.data[0]["error"]
    with worker(semel):
        at_last(lambda: shown(semel, "order-1", first).code == 0, "who comes next takes it up")
        assert shown(semel, "order-1", first).data["status"] == "shipped"
        assert here(semel, "dead", "list", "-o", "json").data == []
        assert semel.run("dead", "retry", "orders").code == 4
        said = here(semel, "verify", "-o", "json")
        assert (said.code, {each["parked"] for each in said.data["generations"]}) == (0, {0})


def test_a_row_of_others_needs_a_rebuild_and_what_is_dropped_is_wrong(semel: Semel) -> None:
    with worker(semel, POISON_CUSTOMERS="order-1"):
        _, second = ship_two(semel)
        words = ["query", "GetCustomer", "customer_id=c-1", "--after", second, "-o", "json"]
        assert here(semel, *words).code in (0, 4)
        at_last(lambda: here(semel, "dead", "list", "-o", "json").data, "it is parked")
    with worker(semel):
        for words in (["--dry-run"], []):
            said = here(semel, "dead", "retry", "customers", *words, "-o", "json")
            assert said.code == 1
            assert "Only a rebuild" in said.data[0]["error"]
        assert here(semel, "verify").code == 0
        said = semel.run("dead", "drop", "customers", "order-1", "-o", "json")
        assert (said.code, said.data[0]["answer"]) == (0, "done")
        said = here(semel, "verify", "-o", "json")
        assert {error["code"] for error in said.errors} == {"row_differs"}
        said = here(semel, "projection", "rebuild", "customers", "-o", "json")
        assert (said.code, said.errors[0]["code"]) == (1, "rows_differ")
        [wrong] = [e for e in said.data["compared"]["examples"] if e["field"] == "order_count"]
        assert (wrong["row"], wrong["previous"], wrong["live"]) == ("customer-c-1", "1", "2")
        said = here(semel, "verify", "-o", "json")
        assert all("customers@1" in error["key"] for error in said.errors)
    for verb in ("show", "drop", "retry"):
        assert semel.run("dead", verb, "customers", "order-1").code == 4


def test_dead_letters_of_commands_are_listed_and_shown(semel: Semel) -> None:
    said = semel.run("dead", "list")
    assert (said.code, said.out) == (0, "nothing is parked, no letter is dead\n")
    from redis import Redis  # noqa: PLC0415 -- a stranger's hands

    with Redis.from_url(semel.redis, protocol=2) as redis:
        fields: dict[str, str] = {
            "source": "commands", "entry": "9-9", "id": "c-1", "type": "CreateOrder",
            "aggregate": "order-7", "data": "{}", "meta": "", "attempts": "3",
            "error": json.dumps({"code": "deadly", "message": "it killed three owners"}),
        }  # fmt: skip
        for key in (f"{{{semel.namespace}:0}}:dead", f"{{{semel.namespace}}}:dead"):
            redis.xadd(key, fields, "1769860800000-0")
    found = semel.run("dead", "list", "-o", "jsonl").lines
    assert [(dead["source"], dead["name"], dead["partition"]) for dead in found] == [
        ("commands", "0/1769860800000-0", 0), ("inbox", "1769860800000-0", None),
    ]  # fmt: skip
    for dead in found:
        assert (dead["aggregate"], dead["attempts"], dead["at"]) == ("order-7", 3, "9-9")
        assert dead["error"] == "deadly: it killed three owners"
        letter = semel.run("dead", "show", dead["source"], dead["name"], "-o", "json").data
        assert letter["error"] == {"code": "deadly", "message": "it killed three owners"}
    assert semel.run("dead", "show", "commands", "0/1769860800000-1").code == 4
    assert semel.run("dead", "show", "commands", "order-7").code == 2
    assert semel.run("dead", "show", "inbox", "order-7").code == 2
