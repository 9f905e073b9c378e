"""Ids, and the partition that each belongs to."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.core.routing import ID_LENGTH_LIMIT, aggregate_fault, id_fault, kind_of, partition_of


def crc16(data: bytes) -> int:
    """CRC16 (XMODEM) bit by bit, as its definition says: the slow one, to compare with."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def test_the_check_value_of_crc16_xmodem() -> None:
    assert partition_of("123456789", 2**16) == 0x31C3 == crc16(b"123456789")


@given(st.text())
@example("order-42")
@example("customer-Ångström")
def test_a_partition_is_the_crc16_of_the_whole_id_in_utf8(aggregate: str) -> None:
    assert partition_of(aggregate, 2**16) == crc16(aggregate.encode())


@given(st.text(), st.integers(min_value=0, max_value=14))
def test_fewer_partitions_are_the_low_bits_of_more(aggregate: str, bits: int) -> None:
    assert partition_of(aggregate, 2**bits) == partition_of(aggregate, 2**14) % 2**bits


def test_redis_knows_the_same_slots() -> None:
    # CLUSTER KEYSLOT foo and bar, as Redis's documentation prints them.
    assert partition_of("foo", 16384) == 12182
    assert partition_of("bar", 16384) == 5061


@pytest.mark.parametrize(
    ("aggregate", "kind"),
    [("order-42", "order"), ("customer-c-1", "customer"), ("order", "order"), ("-42", "")],
)
def test_the_kind_ends_at_the_first_hyphen(aggregate: str, kind: str) -> None:
    assert kind_of(aggregate) == kind


@pytest.mark.parametrize("usable", ["order-42", "customer-c-1", "order-Ü:1", "x-" + "y" * 198])
def test_usable_ids(usable: str) -> None:
    assert id_fault(usable) is None
    assert aggregate_fault(usable) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x-" + "y" * 199, f"has 201 characters; at most {ID_LENGTH_LIMIT}"),
        ("order 42", "a space"),
        ("order-\n", "cannot be printed"),
        ("order-\u200d", "cannot be printed"),
        ("order-\ud800", "cannot be printed"),
        ("order-{1}", "contains '{'"),
        ("order-1}", "contains '}'"),
        ("order/1", "contains '/'"),
    ],
)
def test_what_cannot_be_an_id_is_told_why(text: str, said: str) -> None:
    assert said in (id_fault(text) or "")
    assert said in (aggregate_fault(text) or "")


@pytest.mark.parametrize("text", ["order", "-42", "order-", "-"])
def test_an_aggregate_id_has_a_kind_and_a_key(text: str) -> None:
    assert id_fault(text) is None
    assert "such as order-42" in (aggregate_fault(text) or "")


@given(st.text())
def test_a_usable_id_is_safe_in_a_key(text: str) -> None:
    if id_fault(text) is None:
        assert 0 < len(text) <= ID_LENGTH_LIMIT
        assert text.isprintable()
        assert not set(text) & set("{}/ ")
        assert text.encode().decode() == text
