"""Comparing two generations, row by row."""

from engine.core.comparing import (
    EXAMPLES_LIMIT,
    Comparing,
    Difference,
    read_compared,
    written,
)
from engine.core.ports.building import Pair

ROW = {"name": "Ann", "_at:0": "3", "_at:2": "5"}


def comparing() -> Comparing:
    return Comparing([3, 0, 5], [3, 0, 4], same_code=True)


def test_equal_rows_are_counted() -> None:
    found = comparing()
    assert found.take(Pair("a", ROW, dict(ROW)))
    assert (found.result.rows, found.result.differ) == (1, 0)


def test_rows_that_have_taken_the_same_and_differ_are_named() -> None:
    found = comparing()
    assert found.take(Pair("a", ROW, ROW | {"name": "Bob", "old": "1"}))
    assert found.result.differ == 1
    assert found.result.examples == [
        Difference("a", "name", "Bob", "Ann"), Difference("a", "old", "1", None)
    ]  # fmt: skip


def test_rows_that_have_not_taken_the_same_say_nothing() -> None:
    found = comparing()
    assert not found.take(Pair("a", ROW, ROW | {"_at:2": "4", "name": "Bob"}))
    assert not found.take(Pair("a", ROW, {"name": "Ann", "_at:0": "3"}))
    assert found.result.rows == 0


def test_a_row_that_only_one_has_differs_where_the_other_has_come_so_far() -> None:
    found = comparing()
    assert not found.take(Pair("new", ROW, {}))
    assert found.take(Pair("old", {}, ROW))
    assert found.take(Pair("older", {"_at:2": "4"}, {}))
    assert found.result.examples == [
        Difference("old", "", "a row", None), Difference("older", "", None, "a row")
    ]  # fmt: skip


def test_a_kept_rank_is_a_number() -> None:
    found = comparing()
    assert found.take(Pair("a", ROW | {"_rank:by": "12"}, ROW | {"_rank:by": "12.0"}))
    assert found.result.differ == 0


def test_examples_are_bounded_and_the_result_can_be_kept() -> None:
    found = comparing()
    for number in range(EXAMPLES_LIMIT * 2):
        found.take(Pair(f"row-{number}", ROW, ROW | {"name": "Bob"}))
    assert found.result.differ == EXAMPLES_LIMIT * 2
    assert len(found.result.examples) == EXAMPLES_LIMIT
    assert read_compared(written(found.result)) == found.result


def test_a_mark_that_no_projector_wrote_is_not_judged() -> None:
    found = comparing()
    for planted in ({"_at:x": "1"}, {"_at:9": "1"}, {"_at:0": "soon"}):
        assert not found.take(Pair("a", {}, ROW | planted))
    assert found.result.rows == 0


def test_a_rank_that_is_no_number_differs_from_any() -> None:
    found = comparing()
    assert found.take(Pair("a", ROW | {"_rank:by": "12"}, ROW | {"_rank:by": "first"}))
    assert found.result.examples == [Difference("a", "_rank:by", "first", "12")]
