"""What is said of a row as it was read, beside the row that the log makes."""

from engine.core.audit.judging import Judge, digest_of_expected, digest_of_seen
from engine.core.audit.moment import Group, SeenRow
from engine.core.audit.refold import Refold
from engine.core.records import LoggedEvent
from tests.core.audit.folding import (
    DOMAIN,
    FAR,
    Bleached,
    Counted,
    Named,
    Painted,
    Removed,
    happened,
    refolded,
    seen,
    things,
)

PAINTED = happened(1, Painted("red", 5))
AS_PAINTED = {"colour": "red", "rank": "5", "_at:0": "1"}


def judge() -> Judge:
    def group_key(group: Group) -> str:
        return f"index:{group[1]}"

    return Judge(things, lambda row: f"row:{row}", group_key)


def judged(read: SeenRow, refold: Refold) -> list[str]:
    """What is found; the digests agree with it."""
    expected = refold.rows["thing-1"]
    found = judge().compare(read, expected)
    assert bool(found) == (digest_of_seen(read) != digest_of_expected(expected))
    return [f"{each.check} {each.key} {each.id}" for each in found]


def test_what_is_as_it_should_be_is_not_named() -> None:
    assert judged(seen(AS_PAINTED, red=5), refolded(PAINTED)) == []
    assert judged(seen({}), refolded()) == []


def test_what_is_wrong_with_a_row() -> None:
    refold = refolded(PAINTED)
    assert judged(seen(AS_PAINTED | {"rank": "6"}, red=5), refold) == [
        "row_differs row:thing-1 rank"
    ]
    assert judged(seen(AS_PAINTED | {"_at:1": "6"}, red=5), refold) == [
        "row_differs row:thing-1 _at:1"
    ]
    assert judged(seen({}, red=5), refold) == ["row_missing row:thing-1 "]
    assert judged(seen(AS_PAINTED), refolded()) == ["row_stray row:thing-1 "]


def test_what_is_wrong_with_its_entries() -> None:
    refold = refolded(PAINTED)
    assert judged(seen(AS_PAINTED), refold) == ["entry_missing index:red thing-1"]
    assert judged(seen(AS_PAINTED, red=6), refold) == ["entry_score index:red thing-1"]
    assert judged(seen(AS_PAINTED, red=5, blue=5), refold) == ["entry_stray index:blue thing-1"]


def test_a_row_that_lags_behind_is_found() -> None:
    found = judged(seen(AS_PAINTED, red=5), refolded(PAINTED, happened(2, Painted("blue", 6))))
    assert "row_differs row:thing-1 _at:0" in found
    assert "entry_stray index:red thing-1" in found
    assert "entry_missing index:blue thing-1" in found


def test_a_kept_rank_is_a_number() -> None:
    refold = refolded(PAINTED, happened(2, Bleached()))
    fields = {"rank": "5", "_at:0": "2"}
    for rank in ("5", "5.0", "5.0000000000000000"):
        assert judged(seen(fields | {"_rank:by_colour": rank}), refold) == []
    for rank in ("7", "much"):
        found = judged(seen(fields | {"_rank:by_colour": rank}), refold)
        assert found == ["row_differs row:thing-1 _rank:by_colour"]


def test_an_entry_that_its_own_row_contradicts_needs_no_log() -> None:
    def contradicts(fields: dict[str, str], **entries: float) -> bool:
        return seen(fields, FAR, **entries).contradicts(things.indexes)

    assert not contradicts(AS_PAINTED, red=5)
    assert not contradicts(AS_PAINTED)
    assert contradicts(AS_PAINTED, red=5, blue=1)
    assert contradicts({}, red=5)
    assert contradicts({"_deleted": "1", "_at:0": "2"}, red=5)


def contested(read: SeenRow, *events: tuple[int, LoggedEvent]) -> tuple[list[str], int]:
    """What is found, and what was not judged, where partitions wrote side by side."""
    refold = Refold(DOMAIN, things, closely=True)
    refold.expect(FAR, "thing-1")
    for partition, event in events:
        refold.take(partition, event)
    judging = judge()
    found = judging.compare(read, refold.rows["thing-1"])
    return [f"{each.check} {each.id}" for each in found], judging.unjudged


def test_what_two_partitions_set_depends_on_who_came_first_and_is_not_judged() -> None:
    ann, bob = (
        happened(1, Named("thing-1", "ann"), "x-1"),
        happened(1, Named("thing-1", "bob"), "x-2"),
    )
    both = {"_at:0": "1", "_at:1": "1"}
    assert contested(seen(both | {"name": "ann"}), (0, ann), (1, bob)) == ([], 1)
    assert contested(seen(both | {"name": "bob"}), (0, ann), (1, bob)) == ([], 0)
    wrong = both | {"name": "ann", "n": "7"}
    assert contested(seen(wrong), (0, ann), (1, bob)) == (["row_differs n"], 1)
    assert contested(seen({"_at:0": "1", "name": "bob"}), (0, ann)) == (["row_differs name"], 0)


def test_what_is_only_added_to_is_judged_in_any_order() -> None:
    one, two = happened(4, Counted("thing-1", 2), "x-1"), happened(9, Counted("thing-1", 3), "x-2")
    marks = {"_at:0": "4", "_at:1": "9"}
    assert contested(seen(marks | {"n": "5"}), (0, one), (1, two)) == ([], 0)
    assert contested(seen(marks | {"n": "6"}), (0, one), (1, two)) == (["row_differs n"], 0)


def test_a_row_that_one_deletes_while_others_add_to_it_is_not_judged() -> None:
    removed, counted = happened(1, Removed()), happened(1, Counted("thing-1", 2), "x-1")
    marks = {"_at:0": "1", "_at:1": "1"}
    assert contested(seen(marks | {"_deleted": "1"}), (0, removed), (1, counted)) == ([], 1)
    assert contested(seen(marks | {"n": "2"}), (0, removed), (1, counted)) == ([], 0)


def test_entries_of_contested_groups_are_not_judged_either() -> None:
    red, blue = happened(1, Painted("red", 5)), happened(1, Painted("blue", 6))
    fields = {"colour": "red", "rank": "5", "_at:0": "1", "_at:1": "1"}
    assert contested(seen(fields, red=5), (0, red), (1, blue)) == ([], 1)
