"""Rows as hashes of text."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Misuse
from engine.core.projection import Scalar, put
from engine.core.scalars import as_row, as_text, rank_of
from tests.core.things import NOON, NOON_MS, Colour, Size, Thing, changes

# -- Text and back ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (-3, "-3"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (NOON, "2026-01-31T12:00:00+00:00"),
        (Colour.RED, "red"),
        (Size.BIG, "3"),
    ],
)
def test_scalars_as_text(value: Scalar, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity")])
def test_numbers_that_are_none_are_misuse(value: Decimal) -> None:
    with pytest.raises(Misuse):
        as_text(value)


@pytest.mark.parametrize(
    ("value", "rank"),
    [
        (NOON, NOON_MS),
        (NOON.astimezone(timezone(timedelta(hours=5))), NOON_MS),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "-1000"),
        (7, "7"),
        (Decimal("12.50"), "12.50"),
    ],
)
def test_ranks(value: datetime | int | Decimal, rank: str) -> None:
    assert rank_of(value) == rank


@pytest.mark.parametrize("value", ["x", None, 1.5])
def test_an_index_is_ordered_by_numbers_or_times(value: object) -> None:
    with pytest.raises(Misuse, match="ordered by numbers or times"):
        rank_of(value)


@pytest.mark.parametrize("value", [True, Decimal("NaN")])
def test_what_redis_takes_for_no_score_is_misuse(value: object) -> None:
    with pytest.raises(Misuse):
        rank_of(value)


ROWS = st.builds(
    Thing,
    id=st.just("a"),
    name=st.none() | st.text(),
    count=st.integers(-(2**63), 2**63 - 1),
    amount=st.decimals(allow_nan=False, allow_infinity=False),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    done=st.booleans(),
    colour=st.none() | st.sampled_from(Colour),
    size=st.none() | st.sampled_from(Size),
)


@given(ROWS)
def test_a_row_survives_its_hash(row: Thing) -> None:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    [written] = changes(put("a", **fields))
    texts = dict(zip(written.put[::2], written.put[1::2], strict=True))
    assert as_row(Thing, "a", texts) == row


def test_a_row_that_is_not_there() -> None:
    assert as_row(Thing, "a", {}) is None


def test_a_tombstone_is_no_row() -> None:
    assert as_row(Thing, "a", {"_at:7": "1042", "_deleted": "1"}) is None


def test_the_engines_own_fields_are_left_out_and_the_id_is_known() -> None:
    fields = {"_at:7": "1042", "count": "3", "of_an_older_generation": "x"}
    assert as_row(Thing, "a", fields) == Thing(id="a", count=3)


@pytest.mark.parametrize("text", ["null", "true", "12", "1.5"])
def test_text_stays_text(text: str) -> None:
    row = as_row(Thing, "a", {"name": text})
    assert row is not None
    assert row.name == text
