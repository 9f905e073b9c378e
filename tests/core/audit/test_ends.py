import pytest

from engine.core.audit.ends import Ends, judge_ends, read_branches
from engine.core.records import Entry
from tests.core.audit.histories import NAMES, places

HEAD = {"commit": "2", "command": "6-0", "position": "3", "partitions": "4"}


def test_a_head_that_agrees() -> None:
    assert not list(judge_ends(NAMES, Ends(HEAD, "3-0", "6-0"), 4))
    late = HEAD | {"late": "5-0"}
    assert not list(judge_ends(NAMES, Ends(late, "3-0", "6-0", "5-0"), 4))
    assert not list(judge_ends(NAMES, Ends(late, "3-0", "6-0"), 4))
    assert not list(judge_ends(NAMES, Ends({}, "0-0", "0-0"), 4))
    opened = {"partitions": "4"}
    assert not list(judge_ends(NAMES, Ends(opened, "0-0", "0-0"), 4))


@pytest.mark.parametrize(
    ("ends", "field"),
    [
        (Ends(HEAD, "2-0", "6-0"), "position"),
        (Ends(HEAD, "4-0", "6-0"), "position"),
        (Ends(HEAD, "3-0", "6-1"), "command"),
        (Ends(HEAD, "3-0", "0-0"), "command"),
        (Ends(HEAD | {"partitions": "8"}, "3-0", "6-0"), "partitions"),
        (Ends(HEAD | {"commit": "0"}, "3-0", "6-0"), "commit"),
        (Ends(HEAD, "3-0", "6-0", "5-0"), "late"),
        (Ends({"commit": "1"}, "0-0", "0-0"), "commit"),
        (Ends(HEAD | {"forgotten": "7-0"}, "3-0", "6-0"), "forgotten"),
    ],
)
def test_a_head_that_does_not(ends: Ends, field: str) -> None:
    assert places(list(judge_ends(NAMES, ends, 4))) == [(f"head_{field}", field)]


def branch(id: str, name: str, start: str) -> Entry:
    return Entry(id, {b"branch": name.encode(), b"from": start.encode(), b"server": b"s"})


def test_branches_begin_one_after_the_other() -> None:
    entries = [branch("1-0", "a", "0"), branch("2-0", "b", "5"), branch("3-0", "c", "5")]
    branches, findings = read_branches(NAMES, entries, 5)
    assert ([each.name for each in branches], findings) == (["a", "b", "c"], [])
    assert places(read_branches(NAMES, entries, 4)[1]) == [
        ("branch_from", "2-0"),
        ("branch_from", "3-0"),
    ]
    back = [*entries, branch("4-0", "d", "4")]
    assert places(read_branches(NAMES, back, 9)[1]) == [("branch_from", "4-0")]
    again = [*entries, branch("4-0", "a", "6")]
    assert places(read_branches(NAMES, again, 9)[1]) == [("branch_name", "4-0")]
    torn = [*entries, Entry("4-0", {b"branch": b"d"})]
    assert places(read_branches(NAMES, torn, 9)[1]) == [("branch_entry", "4-0")]
