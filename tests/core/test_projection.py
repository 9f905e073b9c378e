"""Operations on rows, and rows as hashes of text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.changes import AMOUNT_DIGITS_LIMIT, changes_of
from engine.core.errors import Misuse
from engine.core.projection import Index, Operation, Projection, Row, Scalar, add, delete, put
from engine.core.records import RowChange
from engine.core.scalars import as_row, as_text, rank_of

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NOON_MS = "1769860800000"


class Colour(StrEnum):
    """An enumeration of texts."""

    RED = "red"


class Size(IntEnum):
    """An enumeration of numbers."""

    BIG = 3


class Thing(Row):
    """A row with a field of every type."""

    id: str
    name: str | None = None
    count: int = 0
    amount: Decimal = Decimal(0)
    at: datetime | None = None
    done: bool = False
    colour: Colour | None = None
    size: Size | None = None


things = Projection(
    name="things",
    row=Thing,
    on=[],
    indexes=[
        Index("by_name", ("name",), order="at"),
        Index("by_colour", ("colour",), order="at"),
        Index("by_count", ("name",), order="count"),
    ],
)


def changes(*operations: Operation) -> list[RowChange]:
    """What one event's operations come to."""
    return list(changes_of(things, 7, operations))


def change(row: str, **parts: object) -> RowChange:
    """One change at position 7."""
    nothing: dict[str, object] = {"wipe": False, "put": [], "add": [], "drop": [], "ranks": {}}
    return RowChange(row=row, position=7, **(nothing | parts))  # type: ignore[arg-type]


# -- Operations -------------------------------------------------------------------------


def test_put_and_add_and_drop() -> None:
    assert changes(put("a", name="x", done=True), add("a", count=1), put("a", size=None)) == [
        change(
            "a",
            put=["name", "x", "done", "true"],
            add=["count", "1"],
            drop=["size"],
            ranks={"by_count": "="},
        )
    ]


def test_one_change_for_each_row() -> None:
    assert changes(put("a", name="x"), put("b", name="y"), add("a", amount=Decimal("0.10"))) == [
        change("a", put=["name", "x"], add=["amount", "0.10"]),
        change("b", put=["name", "y"]),
    ]


def test_no_operations_no_changes() -> None:
    assert changes() == []


def test_deleting_forgets_what_came_before_in_the_same_event() -> None:
    assert changes(put("a", name="x"), delete("a")) == [change("a", wipe=True)]


def test_a_deleted_row_can_begin_again() -> None:
    assert changes(delete("a"), put("a", name="x")) == [change("a", wipe=True, put=["name", "x"])]


def test_the_order_field_ranks_the_row_in_each_index_that_has_it() -> None:
    [ranked] = changes(put("a", at=NOON))
    assert ranked.ranks == {"by_name": NOON_MS, "by_colour": NOON_MS}


def test_operations_may_come_from_a_generator() -> None:
    def operations() -> Iterator[Operation]:
        yield put("a", name="x")

    assert list(changes_of(things, 7, operations())) == [change("a", put=["name", "x"])]


@pytest.mark.parametrize("operation", [put("a", nmae="x"), add("a", cuont=1)])
def test_a_misspelt_field_is_misuse_that_names_the_others(operation: Operation) -> None:
    with pytest.raises(Misuse, match=r"Thing has no field .*; it has id, name, count"):
        changes(operation)


@pytest.mark.parametrize("row", ["", "x" * 201, "a\nb"])
def test_what_cannot_be_a_rows_id_is_misuse(row: str) -> None:
    with pytest.raises(Misuse, match="cannot be a row's id"):
        changes(put(row, name="x"))


@pytest.mark.parametrize("value", [1.5, b"x", [], {}, timedelta(1)])
def test_what_is_no_scalar_is_misuse(value: Scalar) -> None:
    with pytest.raises(Misuse, match="not " + type(value).__name__):
        changes(put("a", name=value))


@pytest.mark.parametrize("amount", ["1", NOON, 1.5, 10**15, Decimal("0.1234567890123456")])
def test_only_numbers_of_few_digits_are_added(amount: int) -> None:
    with pytest.raises(Misuse):
        changes(add("a", count=amount))


@pytest.mark.parametrize("amount", [10**15 - 1, -(10**15) + 1, Decimal("9999999999999.99"), 0])
def test_numbers_of_15_digits_are_added(amount: int | Decimal) -> None:
    assert changes(add("a", amount=amount)) == [change("a", add=["amount", str(amount)])]
    assert sum(map(str.isdigit, str(amount))) <= AMOUNT_DIGITS_LIMIT


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), True])
def test_what_is_no_amount_is_not_added(amount: int | Decimal) -> None:
    with pytest.raises(Misuse):
        changes(add("a", amount=amount))


@pytest.mark.parametrize("field", ["name", "at", "done"])
def test_only_numbers_can_be_added_to(field: str) -> None:
    with pytest.raises(Misuse):
        changes(add("a", **{field: 1}))


@pytest.mark.parametrize(
    "operations",
    [[put("a", name=None), put("a", name="x")], [add("a", count=2), put("a", count=1)]],
    ids=["drop, then put", "add, then put"],
)
def test_the_last_operation_on_a_field_counts(operations: list[Operation]) -> None:
    assert changes(*operations) == changes(operations[-1])


@pytest.mark.parametrize("operation", [add("a", count=1), put("a", count=None)])
def test_an_order_field_changes_its_rank_or_is_misuse(operation: Operation) -> None:
    try:
        [changed] = changes(operation)
    except Misuse:
        return
    assert "by_count" in changed.ranks


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
