"""What one event's operations come to, row by row."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.changes import AMOUNT_DIGITS_LIMIT, changes_of
from engine.core.errors import Misuse
from engine.core.projection import Operation, Scalar, add, delete, put
from tests.core.things import NOON, NOON_MS, change, changes, things

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
