"""Whatever stands in a stream of commands is answered, by name, and nothing else suffers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenarios.plain_client import PlainClient, plainly_served
from tests.scenarios.test_bad_input import ORDER, PARTITIONS, check_next

Parts = list[bytes]
"""An entry as XADD takes it: names and values in turn, names perhaps more than once."""

NAMES = [b"id", b"type", b"aggregate", b"data", b"meta"]
TOO_LARGE = 1024 * 1024 + 1

_known = st.sampled_from(NAMES)
_names = _known | st.binary(max_size=20)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())
_order = st.dictionaries(st.sampled_from([*ORDER, "note"]), st.none() | st.integers()).map(
    lambda changes: json.dumps(ORDER | changes).encode()
)
_meta = st.dictionaries(
    st.sampled_from(["user", "time", "expect", "reply", "durability", "depth", "x_y", "causation"]),
    st.none() | st.integers(-1, 3) | st.text(max_size=8),
).map(lambda said: json.dumps(said).encode())
_plausible = st.sampled_from([
    b"CreateOrder", b"ShipOrder", b"RegisterCustomer", b"_rejected", b"order-1", b"customer-c-1",
    b"order-1/x", b"{}", b'{"name": "A"}', b"inbox/1-1/00", b"timer/order-1/x/1", b"\xff",
    b"01890a5d-ac96-774b-bcce-b302099a8057", b"ffffffff-ffff-7fff-bfff-ffffffffffff", b"[" * 5000,
])  # fmt: skip
_large = st.sampled_from([201, 5000, TOO_LARGE]).map(lambda size: b"x" * size)
_values = st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | _json | _plausible

_anything = st.lists(st.tuples(_names, _values | _large), min_size=1, max_size=7)
_SHOP = [
    (b"CreateOrder", b"order", json.dumps(ORDER).encode()), (b"ShipOrder", b"order", b"{}"),
    (b"RegisterCustomer", b"customer", b'{"name": "A"}'),
]  # fmt: skip
_good = st.tuples(st.sampled_from(_SHOP), st.integers(0, 9), st.none() | _meta).map(
    lambda drawn: [
        (b"type", drawn[0][0]), (b"aggregate", b"%b-%d" % (drawn[0][1], drawn[1])),
        (b"data", drawn[0][2]), (b"meta", drawn[2] or b""),
    ]
)  # fmt: skip
_id = st.tuples(st.just(b"id"), _plausible | st.binary(max_size=8))
_nearly_good = st.tuples(
    _good, st.lists(_id | st.tuples(_names, _values | _order | _meta), max_size=2)
).map(lambda parts: [*parts[0], *parts[1]])
_entries = (_anything | _good | _nearly_good).map(
    lambda pairs: [part for pair in pairs for part in pair]
)
_batches = st.lists(st.tuples(st.integers(-1, PARTITIONS - 1), _entries), min_size=1, max_size=12)
"""Entries, each for a partition's stream, or for the inbox (-1)."""

quickly = settings(
    max_examples=50, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="module")
def server(valkey_url: str, portal: BlockingPortal) -> Iterator[PlainClient]:
    """The order shop, and a client that checks nothing."""
    with plainly_served(valkey_url, portal, PARTITIONS) as client:
        yield client


def _added(server: PlainClient, place: int, parts: Parts) -> tuple[int, str]:
    """Add an entry; says where it stands, as soon as it is in a partition's stream."""
    inbox = f"{{{server.namespace}}}:inbox"
    key = inbox if place < 0 else server.key(place, "commands")
    entry = server.redis.execute_command("XADD", key, "*", *parts).decode()
    return (place, entry) if place >= 0 else server.forwarded(entry)


def _check_said(outcome: dict[str, Any]) -> None:
    """An outcome that is final, and that says why where the answer is no."""
    assert outcome["status"] in {"accepted", "rejected", "duplicate"}
    said = outcome["detail"].get("first", outcome["detail"])
    if outcome["status"] == "rejected":
        assert said["code"]
        assert said["code"] != "raised"
        assert said["message"]


@quickly
@given(batch=_batches)
def test_each_entry_has_one_outcome_and_the_next_command_is_handled(
    server: PlainClient, batch: list[tuple[int, Parts]]
) -> None:
    stand = [_added(server, place, parts) for place, parts in batch]
    for partition, entry in stand:
        _check_said(server.outcome(partition, entry))
    for partition in range(PARTITIONS):
        check_next(server, partition)


def test_nothing_of_it_was_taken_for_a_fault_of_ours(server: PlainClient) -> None:
    """No dead letter, no torn commit: what nobody can read is its sender's to mend."""
    for partition in range(PARTITIONS):
        assert server.redis.xlen(server.key(partition, "dead")) == 0
        assert server.redis.hlen(server.key(partition, "waiting")) == 0
