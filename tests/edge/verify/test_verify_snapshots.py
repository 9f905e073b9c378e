"""``semel verify`` and snapshots: each is the fold of its events."""

import msgspec
import pytest

from engine.app import domain_of
from engine.core.snapshots import States
from engine.settings import Settings
from tests.edge.verify.damaging import Filled


@pytest.fixture
def states() -> States:
    return domain_of(Settings()).states["order"]


def keep(shop: Filled, states: States, **other: object) -> None:
    """Have order-1 kept as its last event left it, but for what is said."""
    [(id, fields), *_] = shop.redis.xrevrange(shop.keys.events(shop.home, "order-1"), count=1)
    version = int(id.partition(b"-")[0])
    events = shop.redis.xrange(shop.keys.events(shop.home, "order-1"))
    domain = domain_of(Settings())
    state = domain.deciders["order"].initial
    for _, each in events:
        event = domain.decode_event(each[b"type"].decode(), each[b"data"], each[b"meta"])
        state = domain.deciders["order"].evolve(state, event)
    entry = msgspec.json.decode(fields[b"meta"])["entry"]
    text = msgspec.json.decode(states.written(state, version, entry)) | other
    shop.redis.set(shop.keys.snapshot(shop.home, "order-1"), msgspec.json.encode(text))


def test_snapshots_that_fit_are_counted(shop: Filled, states: States) -> None:
    keep(shop, states)
    said = shop.semel.run("verify", "-o", "json")
    assert (said.code, said.data["snapshots"]) == (0, 1), said.errors
    assert "1 snapshots compared with the fold of their events" in shop.semel.run("verify").out


@pytest.mark.parametrize(
    ("other", "check"),
    [
        ({"state": {"status": None, "customer_id": "nobody", "item_count": 0,
                    "shipping_address": None}}, "snapshot_differs"),
        ({"state": 7}, "snapshot_entry"),
        ({"entry": "7-7"}, "snapshot_ahead"),
        ({"version": 77}, "snapshot_ahead"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_is_named(
    shop: Filled, states: States, other: dict[str, object], check: str
) -> None:
    keep(shop, states, **other)
    said = shop.semel.run("verify", "-o", "json")
    assert said.code == 1
    assert [one["code"] for one in said.errors] == [check]
    assert shop.keys.snapshot(shop.home, "order-1") in str(said.errors)


def test_one_that_other_code_made_is_nobodys_to_judge(shop: Filled, states: States) -> None:
    keep(shop, states, schema="0" * 16, state={})
    said = shop.semel.run("verify", "-o", "json")
    assert (said.code, said.data["snapshots"]) == (0, 0)


def test_what_is_no_snapshot_is_named(shop: Filled) -> None:
    shop.redis.hset(shop.keys.snapshot(shop.home, "order-1"), "a", "stranger")
    said = shop.semel.run("verify", "-o", "json")
    assert [one["code"] for one in said.errors] == ["snapshot_entry"]
