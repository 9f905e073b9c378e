"""What is written in Redis, and what clients may write in ``meta``."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.codec import digest_of, encode, read_event_meta, read_meta, time_of
from engine.core.messages import NO_META, Event, EventMeta

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Paid(Event):
    """An event with what JSON has no word for."""

    amount: Decimal
    at: datetime


def test_an_event_can_be_read_in_redis_cli() -> None:
    written = encode(Paid(Decimal("12.50"), NOON))
    assert written == b'{"amount":"12.50","at":"2026-01-31T12:00:00Z"}'
    assert msgspec.json.decode(written, type=Paid) == Paid(Decimal("12.50"), NOON)


def test_an_event_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Paid(Decimal(1), NOON).amount = Decimal(2)  # type: ignore[misc]


@pytest.mark.parametrize("nothing", [b"", b"{}"])
def test_meta_may_be_missing(nothing: bytes) -> None:
    assert read_meta(nothing) == (NO_META, {})


def test_meta_as_clients_write_it() -> None:
    meta, faults = read_meta(
        b"""{
            "user": "ada",
            "time": "2026-01-31T13:00:00+01:00",
            "correlation": "c",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "expect": 0,
            "durability": "memory",
            "reply": "r1",
            "x_shop": {"till": 4}
        }"""
    )
    assert faults == {}
    assert (meta.user, meta.time, meta.expect, meta.reply) == ("ada", NOON, 0, "r1")
    assert meta.extra == {"x_shop": {"till": 4}}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("user", 7, "Expected `str`"),
        ("user", "", "1 to 200 printable"),
        ("user", "x" * 201, "1 to 200 printable"),
        ("correlation", "a\nb", "1 to 200 printable"),
        ("traceparent", [], "Expected `str`"),
        ("reply", "", "1 to 200 printable"),
        ("time", "yesterday", "RFC3339"),
        ("time", 1_700_000_000, "Expected `datetime`"),
        ("time", "2026-01-31T12:00:00", "its offset"),
        ("expect", -1, "0 or more"),
        ("expect", "3", "Expected `int`"),
        ("expect", 1.5, "Expected `int`"),
        ("expect", True, "Expected `int`"),
        ("durability", "replicated", "only 'memory'"),
        ("causation", "a", "is not a key of meta"),
        ("usr", "ada", "user, time, correlation"),
        ("_id", "a", "is not a key of meta"),
    ],
)
def test_a_wrong_key_of_meta_is_named(key: str, value: object, said: str) -> None:
    _, faults = read_meta(json.dumps({key: value}).encode())
    assert list(faults) == [f"meta.{key}"]
    assert said in faults[f"meta.{key}"]


@pytest.mark.parametrize("more", [{}, {"x_shop": 7}])
def test_null_says_nothing(more: dict[str, object]) -> None:
    meta, faults = read_meta(json.dumps({"user": None, "expect": None, **more}).encode())
    assert faults == {}
    assert (meta.user, meta.expect, meta.extra) == (None, None, more)


def test_every_wrong_key_is_named_and_the_right_ones_are_read() -> None:
    meta, faults = read_meta(b'{"user":"ada","expect":-1,"time":"now","colour":"red"}')
    assert set(faults) == {"meta.expect", "meta.time", "meta.colour"}
    assert meta.user == "ada"


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b"7",
        b'"user"',
        b"{",
        b"user=ada",
        b'{"user":"\xff"}',
        b'{"\xff":1}',
        b'{"user":"\\ud800"}',
        b'{"x_a":' + b"9" * 5000 + b"}",
    ],
)
def test_meta_that_is_no_json_object(raw: bytes) -> None:
    meta, faults = read_meta(raw)
    assert list(faults) == ["meta"]
    assert "is not a JSON object" in faults["meta"]
    assert meta == NO_META


def test_meta_as_deep_as_a_well() -> None:
    _, faults = read_meta(b'{"x_a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    assert list(faults) == ["meta"]


@given(st.binary())
def test_no_meta_at_all_raises(raw: bytes) -> None:
    _, faults = read_meta(raw)
    assert faults or raw.strip() in {b"", b"{}"} or json.loads(raw)


def test_a_digest_tells_type_data_and_expected_version() -> None:
    one = digest_of("CreateOrder", b"{}", None)
    assert one == digest_of("CreateOrder", b"{}", None)
    others = [
        digest_of("ShipOrder", b"{}", None),
        digest_of("CreateOrder", b"{ }", None),
        digest_of("CreateOrder", b"{}", 0),
        digest_of("CreateOrder0", b"{}", None),
    ]
    assert len({one, *others}) == 5
    assert len(one) == 16


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_times_in_milliseconds(unix_ms: int) -> None:
    exact = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=unix_ms)
    assert abs(time_of(unix_ms) - exact) < timedelta(milliseconds=1)


def test_an_events_meta_survives_and_names_only_what_there_is() -> None:
    meta = EventMeta("a", "1700000000000-3", NOON, user="ada")
    written = encode(meta)
    assert read_event_meta(written) == meta
    assert b"traceparent" not in written
