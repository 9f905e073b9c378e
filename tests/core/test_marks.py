"""What a mark means for the history as it is by now."""

import pytest

from engine.core.branches import Branch
from engine.core.errors import Torn
from engine.core.marks import UNMARKED, Mark, Reach, reach_of, read_mark

ONE = [Branch("b1", 0, "s1")]
RESTARTED = [*ONE, Branch("b2", 20, "s2")]
LOST = [*ONE, Branch("b2", 20, "s2"), Branch("b3", 12, "s3")]


def test_a_mark_is_kept_as_text() -> None:
    assert str(Mark(17, "1f9c83d0")) == "17-1f9c83d0"
    assert read_mark("17-1f9c83d0") == Mark(17, "1f9c83d0")
    assert read_mark("0-0") == UNMARKED


@pytest.mark.parametrize("text", ["", "17", "x-b1", "-b1", "-1-b1"])
def test_what_is_no_mark_is_named(text: str) -> None:
    with pytest.raises(Torn, match="not a mark"):
        read_mark(text)


@pytest.mark.parametrize(
    ("mark", "branches", "reach"),
    [
        (UNMARKED, ONE, Reach(0, is_lost=False)),
        (UNMARKED, [], Reach(0, is_lost=False)),
        (Mark(17, "b1"), ONE, Reach(17, is_lost=False)),
        (Mark(20, "b1"), RESTARTED, Reach(20, is_lost=False)),
        (Mark(17, "b1"), RESTARTED, Reach(17, is_lost=False)),
        (Mark(25, "b2"), RESTARTED, Reach(25, is_lost=False)),
        (Mark(17, "b1"), LOST, Reach(12, is_lost=True)),
        (Mark(12, "b1"), LOST, Reach(12, is_lost=False)),
        (Mark(25, "b2"), LOST, Reach(12, is_lost=True)),
        (Mark(25, "b3"), LOST, Reach(25, is_lost=False)),
        (Mark(17, "b9"), LOST, Reach(12, is_lost=True)),
        (Mark(9, "b9"), LOST, Reach(9, is_lost=True)),
    ],
)
def test_it_reaches_as_far_as_its_history_goes_on(
    mark: Mark, branches: list[Branch], reach: Reach
) -> None:
    assert reach_of(mark, branches) == reach
