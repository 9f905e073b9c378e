"""Which places of a history exist: all, but for those beyond where a later branch began."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.branches import Branch, exists

HISTORY = [Branch("a", 0, "one"), Branch("b", 10, "two"), Branch("c", 7, "three")]
"""The second server had it all; the third came back without what lay beyond 7."""


@pytest.mark.parametrize(
    ("name", "position", "there"),
    [
        ("a", 7, True), ("a", 8, False), ("a", 10, False), ("a", 11, False),
        ("b", 1, True), ("b", 7, True), ("b", 8, False), ("b", 12, False),
        ("c", 7, True), ("c", 8, True), ("c", 1000, True),
        ("unknown", 1, False), ("", 1, False),
    ],
)  # fmt: skip
def test_what_lies_beyond_a_later_beginning_is_lost(
    name: str,
    position: int,
    there: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    assert exists(HISTORY, name, position) is there


@pytest.mark.parametrize("name", ["a", "c", "unknown", ""])
def test_the_beginning_exists_on_every_branch(name: str) -> None:
    assert exists(HISTORY, name, 0)
    assert exists([], name, 0)


def test_a_restart_that_lost_nothing_harms_nobody() -> None:
    restarted = [Branch("a", 0, "one"), Branch("b", 10, "one again")]
    assert all(exists(restarted, "a", position) for position in range(11))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_a_place_exists_exactly_where_its_event_was_never_lost(
    servers: list[tuple[int, int]],
) -> None:
    """Each server keeps some of what it found, and then commits some events of its own."""
    log: list[str] = []
    branches: list[Branch] = []
    written: set[tuple[str, int]] = set()
    for number, (lost, new) in enumerate(servers):
        del log[max(0, len(log) - lost) :]
        branches.append(Branch(f"b{number}", len(log), f"server-{number}"))
        log += [f"b{number}"] * new
        written |= {(f"b{number}", at) for at, name in enumerate(log, 1) if name == f"b{number}"}
    for name, position in written:
        there = position <= len(log) and log[position - 1] == name
        assert exists(branches, name, position) is there
