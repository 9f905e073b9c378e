"""Ids that carry a time."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.ids import just_above, just_below, stream_ms, stream_order, uuid7, uuid7_ms

MS = st.integers(min_value=0, max_value=2**48 - 1)
SEQ = st.integers(min_value=0, max_value=2**64 - 1)


@given(MS)
def test_a_uuid7_carries_its_time(unix_ms: int) -> None:
    made = UUID(uuid7(unix_ms))
    assert uuid7_ms(str(made)) == unix_ms
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


def test_two_uuid7_of_one_moment_differ() -> None:
    assert len({uuid7(1_700_000_000_000) for _ in range(1000)}) == 1000


def test_the_example_of_the_rfc() -> None:
    assert uuid7_ms("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") == 0x017F22E279B0


@pytest.mark.parametrize(
    "other",
    [
        "",
        "northwind-order-10248-create",
        "919108f7-52d1-4320-9bac-f847db4148a8",  # version 4
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",  # too short
        "017f22e279b07cc398c4dc0c0c07398f",  # without hyphens
        "zzzzzzzz-79b0-7cc3-98c4-dc0c0c07398f",
    ],
)
def test_other_ids_carry_no_time(other: str) -> None:
    assert uuid7_ms(other) is None


@pytest.mark.parametrize(
    "other",
    [
        "0123456789abcd7f----0123456789abcdef",
        "0_7f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-08c4-dc0c0c07398f",  # another variant
    ],
)
def test_what_only_looks_like_a_uuid7_carries_no_time(other: str) -> None:
    assert uuid7_ms(other) is None


@given(MS, SEQ)
def test_a_stream_id_in_parts(ms: int, seq: int) -> None:
    assert stream_ms(f"{ms}-{seq}") == ms
    assert stream_order(f"{ms}-{seq}") == (ms, seq)


def test_a_stream_id_without_its_second_part() -> None:
    assert stream_order("1700000000000") == (1_700_000_000_000, 0)


@given(MS, SEQ)
def test_just_below_leaves_no_room_between(ms: int, seq: int) -> None:
    below_ms, below_seq = stream_order(just_below(f"{ms}-{seq}"))
    if (ms, seq) == (0, 0):
        assert (below_ms, below_seq) == (0, 0)
    else:
        assert (below_ms << 64 | below_seq) + 1 == ms << 64 | seq


@given(MS, SEQ)
def test_just_above_is_what_the_other_is_just_below(ms: int, seq: int) -> None:
    assert just_below(just_above(f"{ms}-{seq}")) == f"{ms}-{seq}"
