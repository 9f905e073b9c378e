"""What one event's operations come to, row by row."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.changes import AMOUNT_DIGITS_LIMIT, changes_of
from engine.core.errors import Misuse
from engine.core.lists import LIST_LIMIT
from engine.core.projection import Item, Operation, Scalar, add, append, delete, put
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

    assert changes_of(things, 7, operations()) == [change("a", put=["name", "x"])]


@pytest.mark.parametrize(
    "operation", [put("a", nmae="x"), add("a", cuont=1), append("a", limit=2, wrods="x")]
)
def test_a_misspelt_field_is_misuse_that_names_the_others(operation: Operation) -> None:
    with pytest.raises(
        Misuse, match=r"Thing has no field .*; it has id, amounts, times, name, count"
    ):
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


# -- Lists ------------------------------------------------------------------------------


def test_what_is_appended_is_json_and_stays_in_order() -> None:
    assert changes(
        append("a", limit=2, words="x", numbers=7),
        append("a", limit=2, words="y"),
        append("a", limit=9, times=NOON),
    ) == [
        change(
            "a",
            append=[
                ("words", '"x"', 2),
                ("numbers", '"7"', 2),
                ("words", '"y"', 2),
                ("times", '"2026-01-31T12:00:00+00:00"', 9),
            ],
        )
    ]


def test_a_list_is_emptied_and_begins_anew() -> None:
    assert changes(append("a", limit=2, words="x"), put("a", words=None)) == [
        change("a", drop=["words"])
    ]
    assert changes(put("a", words=None, name="n"), append("a", limit=2, words="x")) == [
        change("a", put=["name", "n"], drop=["words"], append=[("words", '"x"', 2)])
    ]
    assert changes(append("a", limit=2, words="x"), delete("a")) == [change("a", wipe=True)]
    assert changes(delete("a"), append("a", limit=2, words="x")) == [
        change("a", wipe=True, append=[("words", '"x"', 2)])
    ]


@pytest.mark.parametrize("limit", [0, -1, LIST_LIMIT + 1, 10**9, None, True, 2.0, "20"])
def test_a_list_without_a_sensible_limit_is_misuse_that_says_what_is_one(limit: int) -> None:
    with pytest.raises(Misuse, match=rf"its last 1 to 100 items, and append says limit={limit!r}"):
        changes(append("a", limit=limit, words="x"))


def test_the_limit_must_be_said() -> None:
    with pytest.raises(TypeError, match="limit"):
        append("a", words="x")  # type: ignore[call-arg]


def test_the_greatest_limit_is_fine() -> None:
    [appended] = changes(append("a", limit=LIST_LIMIT, words="x"))
    assert appended.append == [("words", '"x"', LIST_LIMIT)]


def test_appending_to_no_list_is_misuse() -> None:
    with pytest.raises(Misuse, match="append names no list"):
        changes(append("a", limit=2))


@pytest.mark.parametrize("field", ["name", "count", "amount"])
def test_only_lists_are_appended_to(field: str) -> None:
    with pytest.raises(Misuse, match=f"{field} is not declared as tuple"):
        changes(append("a", limit=2, **{field: 1}))


@pytest.mark.parametrize("value", ["x", ("x",), []])
def test_a_list_is_not_put(value: Scalar) -> None:
    with pytest.raises(Misuse, match="words is a list, which is appended to"):
        changes(put("a", words=value))


def test_a_list_is_not_added_to() -> None:
    with pytest.raises(Misuse):
        changes(add("a", numbers=1))


@pytest.mark.parametrize("item", [None, 1.5, b"x", [], Decimal("NaN")])
def test_what_is_no_item_is_misuse(item: Item) -> None:
    with pytest.raises(Misuse):
        changes(append("a", limit=2, words=item))
