"""Bad input, by each door: exactly one rejection that says what was wrong, and work goes on.

The doors are a partition's own stream and the inbox, with a plain Redis client that checks
nothing beforehand.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from engine.core.routing import partition_of
from tests.scenarios.plain_client import Fields, PlainClient, plainly_served

PARTITIONS = 2
ITEM = {"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}
ORDER = {
    "customer_id": "c-1",
    "items": [ITEM],
    "shipping_address": {
        "street": "1 Main", "city": "Reims", "postal_code": "51100", "country": "FR",
    },
}  # fmt: skip


class Bad:
    """A command, what is changed in it (None: left out), and what must be said of it."""

    def __init__(
        self, changes: dict[str, bytes | str | None], code: str, faults: Iterable[str] = ()
    ) -> None:
        self.changes, self.code, self.faults = changes, code, set(faults)


CASES = {
    "unknown type": Bad({"type": "NoSuchCommand"}, "unknown_type"),
    "data is not JSON": Bad({"data": "{"}, "malformed", {"data"}),
    "data is JSON, but no object": Bad({"data": "[]"}, "malformed", {"data"}),
    "fields missing and wrong": Bad(
        {"data": json.dumps({"items": [{"quantity": "many"}], "colour": "red"})},
        "malformed",
        {
            "data.customer_id",
            "data.shipping_address",
            "data.colour",
            "data.items.0.quantity",
            "data.items.0.product_id",
            "data.items.0.unit_price",
        },
    ),
    "money is a float with too many digits": Bad(
        {"data": json.dumps(ORDER | {"items": [ITEM | {"unit_price": 1e300}]})},
        "malformed",
        {"data.items.0.unit_price"},
    ),
    "an aggregate without a kind": Bad({"aggregate": "42"}, "malformed", {"aggregate"}),
    "an aggregate with braces": Bad({"aggregate": "order-{42}"}, "malformed", {"aggregate"}),
    "an aggregate without end": Bad(
        {"aggregate": "order-" + "4" * 500}, "malformed", {"aggregate"}
    ),
    "an aggregate of another kind": Bad({"aggregate": "customer-1"}, "wrong_kind"),
    "an aggregate of an unknown kind": Bad({"aggregate": "invoice-1"}, "wrong_kind"),
    "no aggregate": Bad({"aggregate": None}, "malformed", {"aggregate"}),
    "no type and no data": Bad({"type": None, "data": None}, "malformed", {"type", "data"}),
    "nothing at all": Bad(
        {"type": None, "data": None, "aggregate": None, "id": None}, "malformed", {"aggregate"}
    ),
    "a megabyte of data": Bad({"data": json.dumps({**ORDER, "note": "x" * 2**20})}, "too_large"),
    "an aggregate that is not UTF-8": Bad({"aggregate": b"order-\xff"}, "malformed", {"aggregate"}),
    "an id that is not UTF-8": Bad({"id": b"\xff\xfe"}, "malformed", {"id"}),
    "a type that is not UTF-8": Bad({"type": b"\xff"}, "unknown_type"),
    "data that is not UTF-8": Bad({"data": b'{"a": "\xff"}'}, "malformed", {"data"}),
    "meta that is not UTF-8": Bad({"meta": b'{"user": "\xff"}'}, "malformed", {"meta"}),
    "meta that is no object": Bad({"meta": "7"}, "malformed", {"meta"}),
    "keys of meta nobody knows": Bad(
        {"meta": '{"usr": "x", "expct": 1, "expect": -1}'},
        "malformed",
        {"meta.usr", "meta.expct", "meta.expect"},
    ),
    "an id with a slash": Bad({"id": "a/b"}, "malformed", {"id"}),
    "an id without end": Bad({"id": "i" * 500}, "malformed", {"id"}),
    "an id of tomorrow": Bad({"id": "09a2055a-a6ca-7c04-85b7-32f7a23eca53"}, "clock"),
}


@pytest.fixture(scope="module")
def server(valkey_url: str, portal: BlockingPortal) -> Iterator[PlainClient]:
    """The order shop, and a client that checks nothing."""
    with plainly_served(valkey_url, portal, PARTITIONS) as client:
        yield client


def command(changes: dict[str, bytes | str | None]) -> Fields:
    """A good order of a new id, with something changed in it."""
    fresh = secrets.token_hex(4)
    good = {
        "id": f"id-{fresh}", "type": "CreateOrder", "aggregate": f"order-{fresh}",
        "data": json.dumps(ORDER), "meta": '{"user": "eve"}',
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not None}


def home_of(fields: Fields) -> int:
    """The partition that a command belongs to, or 0 where it belongs nowhere."""
    aggregate = fields.get("aggregate", "")
    return 0 if isinstance(aggregate, bytes) else partition_of(aggregate, PARTITIONS)


def check_refused(outcome: dict[str, Any], bad: Bad) -> None:
    assert outcome["status"] == "rejected"
    assert outcome["detail"]["code"] == bad.code
    assert outcome["detail"]["message"]
    assert set(outcome["detail"].get("errors", {})) >= bad.faults


def check_goes_on(server: PlainClient, partition: int) -> None:
    """The next command of that partition is handled, and none has no outcome."""
    check_next(server, partition)
    commands, outcomes = server.entries()
    assert commands == outcomes


def check_next(server: PlainClient, partition: int) -> None:
    """The next command of that partition is handled."""
    prefix = f"order-{secrets.token_hex(4)}"
    home = next(
        aggregate
        for n in count()
        if partition_of(aggregate := f"{prefix}-{n}", PARTITIONS) == partition
    )
    entry = server.add(server.key(partition, "commands"), command({"aggregate": home}))
    assert server.outcome(partition, entry)["status"] == "accepted"


@pytest.mark.parametrize("case", CASES)
def test_through_a_partitions_stream(server: PlainClient, case: str) -> None:
    fields = command(CASES[case].changes)
    partition = home_of(fields)
    entry = server.add(server.key(partition, "commands"), fields)
    check_refused(server.outcome(partition, entry), CASES[case])
    check_goes_on(server, partition)


@pytest.mark.parametrize("case", CASES)
def test_through_the_inbox(server: PlainClient, case: str) -> None:
    entry = server.add(f"{{{server.namespace}}}:inbox", command(CASES[case].changes))
    partition, moved = server.forwarded(entry)
    check_refused(server.outcome(partition, moved), CASES[case])
    check_goes_on(server, partition)


def test_a_stranger_in_a_partitions_stream(server: PlainClient) -> None:
    fields = command({})
    stranger = 1 - home_of(fields)
    entry = server.add(server.key(stranger, "commands"), fields)
    outcome = server.outcome(stranger, entry)
    check_refused(outcome, Bad({}, "wrong_partition"))
    assert f"belongs to partition {home_of(fields)}" in outcome["detail"]["message"]
    check_goes_on(server, stranger)
    entry = server.add(server.key(home_of(fields), "commands"), fields)
    assert server.outcome(home_of(fields), entry)["status"] == "accepted"


def test_an_id_that_only_the_engine_may_make(server: PlainClient) -> None:
    forged = Bad({"id": "inbox/1-1"}, "malformed", {"id"})
    entry = server.add(f"{{{server.namespace}}}:inbox", command(forged.changes))
    check_refused(server.outcome(*server.forwarded(entry)), forged)


def test_the_inbox_through_redis_cli(server: PlainClient) -> None:
    """The lines that need no library at all."""
    port = server.url.rpartition(":")[2]

    def redis_cli(*words: str) -> str:
        binary = shutil.which("redis-cli")
        if binary is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing("redis-cli is missing: it comes with redis-tools")
        said = subprocess.run([binary, "-p", port, *words], capture_output=True, check=True)
        return said.stdout.decode()

    order, reply = f"order-{secrets.token_hex(4)}", secrets.token_hex(4)
    redis_cli(
        "XADD", f"{{{server.namespace}}}:inbox", "*", "type", "CreateOrder", "aggregate", order,
        "data", json.dumps(ORDER, indent=2), "meta", json.dumps({"reply": reply}),
    )  # fmt: skip
    key, outcome = redis_cli("BLPOP", f"{server.namespace}:reply:{reply}", "5").splitlines()
    assert key == f"{server.namespace}:reply:{reply}"
    said = json.loads(outcome)
    assert (said["status"], said["aggregate"], said["version"]) == ("accepted", order, 1)
    assert said["receipt"]

    partition = partition_of(order, PARTITIONS)
    events = redis_cli("XRANGE", server.key(partition, f"events:{order}"), "-", "+").splitlines()
    assert events[:4] == ["1-0", "type", "OrderCreated", "data"]
    assert json.loads(events[4])["customer_id"] == "c-1"
