"""``semel submit``, on a real server: every form, every exit code, one command and files."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command_line import Semel

ADDRESS = {"street": "1 Main", "city": "Reims", "postal_code": "51100", "country": "FR"}
ITEMS = [{"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}]
ORDER = {"customer_id": "c-1", "items": ITEMS, "shipping_address": ADDRESS}


@pytest.fixture(scope="module")
def semel(valkey_url: str) -> Iterator[Semel]:
    """A namespace of four partitions that is served."""
    semel = Semel(valkey_url, f"test_{secrets.token_hex(4)}")
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.served():
        yield semel


def new(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(4)}"


def test_a_command_in_every_form(semel: Semel, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_text(json.dumps(ORDER))
    pairs = ["customer_id=c-1", f"items:={json.dumps(ITEMS)}"]
    pairs += [f"shipping_address.{key}={value}" for key, value in ADDRESS.items()]
    forms = [[json.dumps(ORDER)], [f"@{file}"], ["-"], pairs]
    for form in forms:
        order = new("order")
        said = semel.process("submit", "CreateOrder", order, *form, stdin=file.read_bytes())
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"accepted  {order}  version 1\n")
        said = semel.run("events", order, "-o", "jsonl")
        assert said.lines[0]["data"] == ORDER


def test_an_outcome_in_json_has_its_receipt_and_a_query_reads_it(semel: Semel) -> None:
    customer = new("customer")
    said = semel.process("submit", "RegisterCustomer", customer, "name=Ada Allen", "-o", "json")
    assert (said.code, said.err, said.errors) == (0, "", [])
    assert said.data["status"] == "accepted"

    asked = ["query", "GetCustomer", f"customer_id={customer.removeprefix('customer-')}"]
    found = semel.process(*asked, "--after", said.data["receipt"], "-o", "json")
    assert (found.code, found.err) == (0, "")
    assert found.data == {
        "id": customer, "name": "Ada Allen", "order_count": 0, "order_amount": "0.00",
    }  # fmt: skip
    assert "Ada Allen" in semel.run(*asked).out


def test_meta_says_who_and_why(semel: Semel) -> None:
    said = semel.run(
        "submit", "RegisterCustomer", new("customer"), "name=Ada", "--user", "grace",
        "--correlation", "k-1", "--meta", '{"time": "2020-02-02T02:02:02Z", "x_shop": 7}',
        "-o", "jsonl",
    )  # fmt: skip
    [outcome] = said.lines
    [event] = semel.run("events", outcome["aggregate"], "-o", "json").data
    assert event["meta"] | {"user": "grace", "correlation": "k-1"} == event["meta"]
    assert event["meta"]["time"].startswith("2020-02-02T02:02:02")
    assert event["meta"]["causation"] == outcome["id"]


def test_no_is_1_with_every_reason(semel: Semel) -> None:
    said = semel.run("submit", "CreateOrder", new("order"), "customer_id=c-1", "nme=x")
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith("rejected  order-")
    for field in ("data.items", "data.shipping_address", "data.nme"):
        assert f"\n  {field}: " in said.out

    said = semel.run("submit", "ShipOrder", new("order"), "-o", "json")
    assert said.code == 1
    assert said.data["status"] == "rejected"
    assert said.errors[0] == {
        "code": "order_unknown", "message": "there is no such order", "retryable": False,
    }  # fmt: skip
    assert semel.run("submit", "NoSuchCommand", new("order")).code == 1


def test_a_duplicate_exits_as_its_first_did(semel: Semel) -> None:
    customer = new("customer")
    first = ["submit", "RegisterCustomer", customer, "name=Ada", "--id", f"{customer}-1"]
    assert [semel.run(*first).code, semel.run(*first).code] == [0, 0]
    assert semel.run(*first).out.startswith("duplicate of what was accepted")
    assert len(semel.run("events", customer, "-o", "json").data) == 1

    order = new("order")
    no = ["submit", "ShipOrder", order, "--id", f"{order}-1", "-o", "json"]
    assert [semel.run(*no).code, semel.run(*no).code] == [1, 1]
    conflict = ["submit", "ShipOrder", order, "--expect", "3", "--id", f"{order}-2"]
    assert [semel.run(*conflict).code, semel.run(*conflict).code] == [5, 5]
    assert "order_unknown" in semel.run(*no).out

    other = semel.run("submit", "RegisterCustomer", customer, "name=Eve", "--id", f"{customer}-1")
    assert (other.code, "id_reused" in other.out) == (1, True)


def test_nobody_answers(valkey_url: str, namespace: str) -> None:
    alone = Semel(valkey_url, namespace)
    assert alone.run("init").code == 0
    said = alone.run("submit", "ShipOrder", "order-1", "--id", "i-1", "--wait", "0.2", "-o", "json")
    assert said.code == 6
    [error] = said.errors
    assert (error["code"], error["id"], error["retryable"]) == ("unknown", "i-1", True)
    assert "i-1" in said.err

    lines = "".join(json.dumps(line) + "\n" for line in orders(750))
    said = alone.run("submit", "--from", "-", "--wait", "0.3", "-o", "json", stdin=lines.encode())
    assert (said.code, said.data["unknown"]) == (6, 1500)

    said = alone.run("status", "-o", "json")
    assert said.code == 1
    assert not said.data["served"]
    assert "semel run" in said.errors[0]["message"]


def orders(count: int, prefix: str = "order-bulk") -> Iterator[dict[str, Any]]:
    for n in range(count):
        order = f"{prefix}-{n}"
        yield {"type": "CreateOrder", "aggregate": order, "data": ORDER, "id": f"{order}-create"}
        yield {"type": "ShipOrder", "aggregate": order, "data": {}, "id": f"{order}-ship"}


def test_a_file_counts_once(semel: Semel, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    prefix = new("order")
    file.write_text("".join(json.dumps(line) + "\n" for line in orders(700, prefix)))

    said = semel.process("submit", "--from", str(file))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("1400 accepted, 0 duplicates\n1400 lines in ")

    again = semel.run("submit", "--from", str(file))
    assert again.code == 0
    assert again.out.startswith("0 accepted, 1400 duplicates: nothing changed\n")

    piped = semel.process("submit", "--from", "-", "-o", "jsonl", stdin=file.read_bytes())
    assert piped.code == 0
    assert {line["status"] for line in piped.lines} == {"duplicate"}
    assert sorted(line["line"] for line in piped.lines) == list(range(1, 1401))
    assert len(semel.run("events", f"{prefix}-699", "-o", "json").data) == 2


def test_bad_lines_are_named_and_the_others_go_on(semel: Semel) -> None:
    customer = new("customer")
    good = {"type": "RegisterCustomer", "aggregate": customer, "data": {"name": "Ada"}}
    lines = [
        b'\xef\xbb\xbf{"type": "RegisterCustomer"',
        json.dumps(good).encode(),
        b"",
        b'{"type": "RegisterCustomer", "aggregate": "customer-1"}',
        json.dumps(good | {"aggregate": "customer"}).encode(),
        json.dumps(good | {"colour": "red"}).encode(),
        json.dumps(good | {"meta": {"colour": "red"}}).encode(),
        b'{"type": "\xff", "aggregate": "customer-1", "data": {}}',
        json.dumps(good | {"id": "a/b"}).encode(),
        json.dumps(good | {"aggregate": new("customer")}).encode(),
    ]
    said = semel.run("submit", "--from", "-", "-o", "json", stdin=b"\r\n".join(lines))
    assert said.code == 1
    counts = {name: said.data[name] for name in ("lines", "accepted", "rejected", "malformed")}
    assert counts == {"lines": 9, "accepted": 2, "rejected": 1, "malformed": 6}
    assert [error["line"] for error in said.errors] == [1, 4, 5, 6, 7, 8, 9]
    assert "data" in said.errors[1]["message"]
    assert "meta.colour" in said.errors[4]["message"]


def test_only_so_many_lines_are_named(semel: Semel) -> None:
    ship = {"type": "ShipOrder", "data": {}}
    lines = [json.dumps(ship | {"aggregate": new("order")}) for _ in range(30)]
    said = semel.run("submit", "--from", "-", stdin="\n".join(lines).encode())
    assert said.code == 1
    assert said.out.count("order_unknown") == 20
    assert "… and 10 lines more" in said.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["submit"], "TYPE AGGREGATE"),
        (["submit", "ShipOrder"], "TYPE AGGREGATE"),
        (["submit", "ShipOrder", "order"], "<kind>-<key>"),
        (["submit", "ShipOrder", "order-1", "{"], "line 1, column 2"),
        (["submit", "ShipOrder", "order-1", "--id", "a/b"], "the id"),
        (["submit", "ShipOrder", "order-1", "--meta", "7"], "--meta"),
        (["submit", "ShipOrder", "order-1", "--wait", "0"], "--wait"),
        (["submit", "--from", "/nowhere"], "No such file"),
        (["submit", "--from", "-", "--user", "x"], "only --wait"),
        (["submt"], "Did you mean 'submit'?"),
        (["submit", "--bogus"], "--bogus"),
        (["init", "--partitions", "3"], "not a power of two"),
    ],
)
def test_usage_is_2(words: list[str], complaint: str) -> None:
    said = Semel("redis://127.0.0.1:1", "nowhere").run(*words)
    assert (said.code, said.out) == (2, "")
    assert complaint in said.err
    assert "Traceback" not in said.err
