"""What was read is cut into batches: nothing is lost, and no limit is passed but by one alone."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.batching import batches
from engine.core.records import Entry


def entry(n: int, size: int) -> Entry:
    half = size // 2
    return Entry(f"{n}-0", {b"data": b"x" * half, b"meta": b"y" * (size - half)})


def cut(sizes: list[int], count: int, size: int) -> list[list[str]]:
    entries = [entry(n, one) for n, one in enumerate(sizes)]
    return [[one.id for one in batch] for batch in batches(entries, count, size)]


def test_nothing_makes_no_batch() -> None:
    assert cut([], 10, 100) == []


def test_a_batch_ends_at_a_count() -> None:
    assert cut([1] * 5, 2, 100) == [["0-0", "1-0"], ["2-0", "3-0"], ["4-0"]]


def test_a_batch_ends_at_a_size() -> None:
    assert cut([50, 50, 1, 99, 2], 10, 100) == [["0-0", "1-0"], ["2-0", "3-0"], ["4-0"]]


def test_what_is_larger_than_the_size_goes_alone() -> None:
    assert cut([500, 1, 500, 500], 10, 100) == [["0-0"], ["1-0"], ["2-0"], ["3-0"]]


@given(st.lists(st.integers(0, 60)), st.integers(1, 5), st.integers(1, 100))
def test_everything_is_in_one_batch_in_its_order(sizes: list[int], count: int, size: int) -> None:
    found = cut(sizes, count, size)
    assert [id for batch in found for id in batch] == [f"{n}-0" for n in range(len(sizes))]
    held = iter(sizes)
    for batch in found:
        total = sum(next(held) for _ in batch)
        assert 1 <= len(batch) <= count
        assert total <= size or len(batch) == 1
