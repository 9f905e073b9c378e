"""Rows as hashes of text."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Misuse
from engine.core.fold import RowFold
from engine.core.projection import Item, Scalar, append, put
from engine.core.records import RowChange
from engine.core.scalars import as_item, as_row, as_text, rank_of
from tests.core.things import NOON, NOON_MS, Colour, Mark, Size, Thing, changes

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
    amounts=st.just(()),
    times=st.just(()),
    name=st.none() | st.text(),
    count=st.integers(-(2**63), 2**63 - 1),
    amount=st.decimals(allow_nan=False, allow_infinity=False),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    done=st.booleans(),
    colour=st.none() | st.sampled_from(Colour),
    size=st.none() | st.sampled_from(Size),
)


LISTS = {
    "words": st.text(),
    "numbers": st.integers(-(10**30), 10**30),
    "amounts": st.decimals(allow_nan=False, allow_infinity=False),
    "times": st.datetimes(timezones=st.just(UTC)),
    "colours": st.sampled_from(Colour),
    "marks": st.builds(
        Mark,
        by=st.text(),
        at=st.datetimes(timezones=st.just(UTC)),
        amount=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    ),
}


def stored(*changes: RowChange) -> Thing | None:
    """The row a, after these changes, as it is read from its hash."""
    row = RowFold("a", "_at:0", {})
    for change in changes:
        row.fold(change)
    return as_row(Thing, "a", row.fields())


@given(ROWS)
def test_a_row_survives_its_hash(row: Thing) -> None:
    fields = {name: getattr(row, name) for name in row.__struct_fields__ if name not in LISTS}
    assert stored(*changes(put("a", **fields))) == row


@pytest.mark.parametrize("name", LISTS)
@given(data=st.data(), limit=st.integers(1, 4))
def test_a_list_survives_its_hash_and_keeps_its_last_items(
    data: st.DataObject, name: str, limit: int
) -> None:
    items = data.draw(st.lists(LISTS[name], max_size=6))
    row = stored(
        *changes(put("a", name="x"), *(append("a", limit=limit, **{name: i}) for i in items))
    )
    assert getattr(row, name) == tuple(items[-limit:])
    assert stored(*changes(put("a", name="x"))) == Thing(id="a", name="x", amounts=(), times=())


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ('a/é\n"', '"a/é\\n\\""'),
        (2**70, '"1180591620717411303424"'),
        (Decimal("12.50"), '"12.50"'),
        (NOON, '"2026-01-31T12:00:00+00:00"'),
        (True, '"true"'),
        (Colour.RED, '"red"'),
        (
            Mark("ada", NOON),
            '{"type":"mark","by":"ada","at":"2026-01-31T12:00:00+00:00","amount":null,"sure":"true"}',
        ),
    ],
)
def test_items_as_json_that_can_be_read(item: Item, text: str) -> None:
    assert as_item(item) == text


class Bare(msgspec.Struct, array_like=True):
    """A struct without names."""

    by: str


class Deep(msgspec.Struct):
    """A struct in which not all is plain."""

    mark: Mark | None = None
    share: float = 0.5


@pytest.mark.parametrize("item", [None, 1.5, {}, Bare("ada"), Deep(), Deep(Mark("ada", NOON))])
def test_what_is_no_item_is_misuse(item: Item) -> None:
    with pytest.raises(Misuse):
        as_item(item)


def test_a_row_that_is_not_there() -> None:
    assert as_row(Thing, "a", {}) is None


def test_a_tombstone_is_no_row() -> None:
    assert as_row(Thing, "a", {"_at:7": "1042", "_deleted": "1"}) is None


def test_the_engines_own_fields_are_left_out_and_the_id_is_known() -> None:
    fields = {"_at:7": "1042", "count": "3", "of_an_older_generation": "x"}
    assert as_row(Thing, "a", fields) == Thing(id="a", count=3, amounts=(), times=())


@pytest.mark.parametrize("text", ["null", "true", "12", "1.5"])
def test_text_stays_text(text: str) -> None:
    row = as_row(Thing, "a", {"name": text})
    assert row is not None
    assert row.name == text
