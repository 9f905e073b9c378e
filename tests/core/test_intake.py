"""Bad input: each entry is judged, every fault is named, and nothing raises."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from engine.core.ids import just_below
from engine.core.inside import Cause, inside_id, reaction_id
from engine.core.intake import Intake, Received
from engine.core.records import Entry
from engine.core.refusal import Refusal
from engine.core.registry import build
from engine.core.routing import ID_LENGTH_LIMIT, partition_of
from handlers.orders import CreateOrder
from tests.shop import NO_FULFILMENT

PARTITIONS, SECRET, LIMIT = 8, b"secret", 4096
HOME = partition_of("order-42", PARTITIONS)
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ENTRY = f"{int(NOON.timestamp() * 1000)}-3"
ORDER = json.dumps(
    {
        "customer_id": "c-1",
        "items": [{"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}],
        "shipping_address": {
            "street": "1 Main", "city": "Reims", "postal_code": "51100", "country": "FR",
        },
    }
).encode()  # fmt: skip
GOOD: dict[bytes, bytes] = {
    b"id": b"c-1", b"type": b"CreateOrder", b"aggregate": b"order-42", b"data": ORDER,
    b"meta": b"{}",
}  # fmt: skip


def receive(fields: Mapping[bytes, bytes], partition: int = HOME) -> Received:
    intake = Intake(
        build(handlers.deciders, services=NO_FULFILMENT), partition, PARTITIONS, SECRET, LIMIT
    )
    return intake.receive(Entry(ENTRY, fields))


def received(**changed: bytes | None) -> Received:
    """What becomes of a good entry with some fields changed, or left out."""
    given = {name.encode(): value for name, value in changed.items()}
    return receive({k: v for k, v in (GOOD | given).items() if v is not None})


def refusal(code: str, **changed: bytes | None) -> Mapping[str, str]:
    """The faults of an entry that is refused with this code."""
    one = received(**changed)
    assert one.refusal is not None
    assert one.refusal.code == code
    assert one.command is None
    json.loads(one.refusal.detail())
    return one.refusal.errors


def test_a_good_entry_becomes_its_command() -> None:
    one = received(meta=b'{"user":"ann","expect":0,"reply":"r1","x_any":[1]}')
    assert one.refusal is None
    assert isinstance(one.command, CreateOrder)
    assert (one.id, one.aggregate, one.addressed) == ("c-1", "order-42", True)
    assert (one.meta.user, one.meta.expect, one.meta.reply) == ("ann", 0, "r1")
    assert one.meta.extra == {"x_any": [1]}


def test_a_commands_time_is_what_its_sender_says_or_else_when_it_came() -> None:
    assert received().time == NOON
    said = received(meta=b'{"time":"2020-02-03T04:05:06+01:00"}').time
    assert said == datetime(2020, 2, 3, 3, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("given", [None, b""])
def test_a_command_without_an_id_is_named_by_its_entry(given: bytes | None) -> None:
    one = received(id=given)
    assert (one.id, one.raw_id, one.refusal) == (ENTRY, ENTRY.encode(), None)


@pytest.mark.parametrize("missing", [None, b""])
@pytest.mark.parametrize("name", ["type", "data"])
def test_what_is_missing_is_named(name: str, missing: bytes | None) -> None:
    assert refusal("malformed", **{name: missing})[name] == "is missing"


def test_an_entry_of_strangers_fields_names_them_all() -> None:
    faults = refusal("malformed", colour=b"red", ÿ=b"?")
    assert {"colour"} < faults.keys()
    assert len(faults) == 2


AGGREGATES = [None, b"", b"order", b"-1", b"order-", b"a b-1", b"{x}-1", b"order-/", b"\xff-1",
              b"order-\x00", b"order-" + b"x" * ID_LENGTH_LIMIT]  # fmt: skip


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_an_aggregate_that_is_none_cannot_be_addressed(aggregate: bytes | None) -> None:
    one = received(aggregate=aggregate)
    assert "aggregate" in refusal("malformed", aggregate=aggregate)
    assert not one.addressed
    assert len(one.raw_aggregate) <= ID_LENGTH_LIMIT


IDS = [b"a b", b"a/b", b"{a}", b"\xff", b"a\nb", b"x" * (ID_LENGTH_LIMIT + 1), b"inbox/1-0"]


@pytest.mark.parametrize("id", IDS)
def test_an_id_that_is_none_is_refused(id: bytes) -> None:
    one = received(id=id)
    assert "id" in refusal("malformed", id=id)
    assert not one.addressed
    assert len(one.raw_id) <= ID_LENGTH_LIMIT


def test_ids_that_the_engine_made_are_known_by_their_tag() -> None:
    made = inside_id(SECRET, "inbox", "7-0")
    assert received(id=made.encode()).refusal is None
    assert "id" in refusal("malformed", id=inside_id(b"another", "inbox", "7-0").encode())
    assert "id" in refusal("malformed", id=made.replace("7-0", "8-0").encode())


def test_a_routers_command_says_what_it_follows_from() -> None:
    asked = Cause("fulfilment", "order-1", "c-9", 3, 0)
    made = reaction_id(SECRET, asked, "order-42").encode()
    one = received(id=made, meta=b'{"user":"ann","causation":"c-9","depth":2,"x_a":1}')
    assert (one.refusal, one.cause, one.type) == (None, asked, "CreateOrder")
    assert (one.meta.user, one.meta.depth, one.meta.extra) == ("ann", 2, {"x_a": 1})
    for_another = reaction_id(SECRET, asked, "order-43").encode()
    assert "id" in refusal("malformed", id=for_another)
    assert received(id=for_another).cause is None


@pytest.mark.parametrize("depth", [b"-1", b"true", b'"2"', b"1e9", b"99999999"])
def test_a_depth_that_no_router_counted_is_refused(depth: bytes) -> None:
    made = reaction_id(SECRET, Cause("r", "order-1", "c", 0, 0), "order-42").encode()
    assert "meta.depth" in refusal("malformed", id=made, meta=b'{"depth":%s}' % depth)


@pytest.mark.parametrize("key", ["depth", "causation"])
def test_what_routers_say_is_not_for_clients(key: str) -> None:
    assert f"meta.{key}" in refusal("malformed", meta=b'{"%s":1}' % key.encode())
    of_inbox = inside_id(SECRET, "inbox", "7-0").encode()
    assert f"meta.{key}" in refusal("malformed", id=of_inbox, meta=b'{"%s":1}' % key.encode())


def test_a_stranger_in_the_partition_is_told_where_it_belongs() -> None:
    one = receive(GOOD, (HOME + 1) % PARTITIONS)
    assert one.refusal is not None
    assert one.refusal.code == "wrong_partition"
    assert f"partition {HOME}, not {(HOME + 1) % PARTITIONS}" in one.refusal.message
    assert not one.addressed


def test_an_unknown_type_is_refused_and_stays_short() -> None:
    refusal("unknown_type", type=b"NoSuch")
    one = received(type=b"\xff" * 3000)
    assert one.refusal is not None
    assert len(one.refusal.message) < 3 * ID_LENGTH_LIMIT


def test_a_command_of_another_kind_is_refused() -> None:
    one = received(type=b"RegisterCustomer", data=b'{"name":"Ann"}')
    assert one.refusal is not None
    assert one.refusal.code == "wrong_kind"
    assert "customer-" in one.refusal.message


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{}", b'{"customer_id":7}', b"[" * 4000]
)
def test_data_that_is_not_the_command_is_refused(data: bytes) -> None:
    assert all(name.startswith("data") for name in refusal("malformed", data=data))


def test_every_fault_in_data_is_named_by_its_path() -> None:
    bad: dict[str, Any] = json.loads(ORDER)
    bad["items"][0]["quantity"] = 0
    bad["items"][0]["colour"] = "red"
    del bad["shipping_address"]["city"]
    faults = refusal("malformed", data=json.dumps(bad).encode(), meta=b'{"expect":-1,"colour":1}')
    assert faults.keys() == {
        "data.items.0.quantity", "data.items.0.colour", "data.shipping_address.city",
        "meta.expect", "meta.colour",
    }  # fmt: skip


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 100])
def test_what_is_too_large_is_not_looked_at(size: int) -> None:
    one = received(aggregate=b"order-" + b"x" * size)
    assert one.refusal is not None
    assert one.refusal.code == "too_large"
    assert not one.addressed
    assert len(one.raw_aggregate) <= ID_LENGTH_LIMIT


def test_faults_beyond_a_number_are_not_listed() -> None:
    many = json.dumps({f"x{n}": 1 for n in range(200)}).encode()
    assert len(refusal("malformed", data=many)) == 50


def test_the_digest_tells_contents_apart() -> None:
    same = received().digest
    assert received(meta=b'{"user":"bob"}', id=b"c-2").digest == same
    others = [
        received(data=ORDER + b" "),
        received(type=b"AddOrderItem"),
        received(meta=b'{"expect":0}'),
        received(meta=b'{"expect":1}'),
    ]
    assert len({same, *(one.digest for one in others)}) == 5


names = st.sampled_from([b"id", b"type", b"aggregate", b"data", b"meta", b"other"])
values = st.one_of(
    st.binary(max_size=300), st.sampled_from([*GOOD.values(), b"order-1", b"[[", b"1"])
)


@given(st.dictionaries(names, values))
def test_nothing_raises(fields: dict[bytes, bytes]) -> None:
    one = receive(fields)
    assert (one.refusal is None) == (one.command is not None) == (one.handler is not None)
    assert just_below(one.entry)
    if one.refusal is not None:
        assert one.refusal.code
        json.loads(one.refusal.detail())


def test_an_outcome_has_room_for_so_many_faults() -> None:
    usual = {f"data.field_{n}": "x" * 100 for n in range(50)}
    assert json.loads(Refusal("bad", "no", usual).detail())["errors"] == usual
    huge = {f"{n}{'data' * 100}": "y" * 5000 for n in range(1000)}
    said = Refusal("bad", "z" * 5000, huge).detail()
    assert 5000 < len(said) < 10_000
    assert all(len(fault) == 1000 for fault in json.loads(said)["errors"].values())
