"""Rows folded anew, each up to the moment at which it was read."""

from random import Random

from engine.core.audit.moment import Moment
from engine.core.audit.refold import FoldedRow
from engine.core.errors import Refused
from engine.core.projection import Projection
from engine.core.records import LoggedEvent, RowChange
from engine.store.memory.apply import Place, apply
from engine.store.memory.keyspace import Keyspace
from tests.contract.projecting import INDEXES
from tests.contract.test_apply_alike import some_change
from tests.core.audit.folding import (
    DOMAIN,
    Counted,
    Cursed,
    Painted,
    Removed,
    Thing,
    happened,
    refolded,
    things,
)

PAINTED = happened(1, Painted("red", 5))
AGAIN = happened(2, Painted("blue", 6))
AS_PAINTED = {"colour": "red", "rank": "5", "_at:0": "1"}


def test_a_row_as_the_log_makes_it() -> None:
    row = refolded(PAINTED, AGAIN, happened(3, Counted("thing-1", 2), "thing-9")).rows["thing-1"]
    fields = {"colour": "blue", "rank": "6", "n": "2", "_at:0": "3"}
    assert row.content == (fields, {"by_colour": ("blue", 6.0)})
    assert row.is_there


def test_no_more_is_folded_than_the_row_had_taken() -> None:
    refold = refolded(PAINTED, AGAIN, moment=Moment([1, 0]))
    assert refold.rows["thing-1"].content == (AS_PAINTED, {"by_colour": ("red", 5.0)})
    assert refold.upto(0) == 1


def test_each_row_has_a_moment_of_its_own() -> None:
    refold = refolded(moment=Moment([1, 0]))
    refold.expect(Moment([3, 0]), "thing-2")
    for event in (PAINTED, AGAIN, happened(3, Painted("blue", 7), "thing-2")):
        refold.take(0, event)
    assert refold.rows["thing-1"].content[0] == AS_PAINTED
    assert refold.rows["thing-2"].content[0] == {"colour": "blue", "rank": "7", "_at:0": "3"}
    assert refold.upto(0) == 3


def test_what_waits_behind_a_parked_event_is_in_no_row() -> None:
    moment = Moment([9, 9], {0: {"thing-1": 2}})
    refold = refolded(PAINTED, AGAIN, moment=moment)
    refold.take(0, happened(3, Counted("thing-1", 2), "thing-9"))
    assert refold.rows["thing-1"].content[0] == AS_PAINTED | {"n": "2", "_at:0": "3"}


def test_a_tombstone_is_a_row_in_no_group() -> None:
    row = refolded(PAINTED, happened(2, Removed())).rows["thing-1"]
    assert row.content == ({"_deleted": "1", "_at:0": "2"}, {})
    assert row.is_there
    assert not refolded().rows["thing-1"].is_there


def test_code_that_raises_ends_it_where_a_row_has_taken_the_event() -> None:
    refold = refolded(PAINTED, happened(2, Cursed()), happened(3, Painted("red", 7)))
    assert refold.failure is not None
    assert refold.failure == (0, 2, "ValueError: cursed")
    assert refold.rows["thing-1"].content[0] == AS_PAINTED


def test_code_that_raises_at_a_parked_event_ends_nothing() -> None:
    for moment in (Moment([9, 9], {0: {"thing-2": 2}}), Moment([1, 9])):
        refold = refolded(PAINTED, happened(2, Cursed(), "thing-2"), moment=moment)
        assert refold.failure is None


def test_changes_to_other_rows_are_told() -> None:
    told: list[tuple[int, int, str]] = []

    def stranger(partition: int, event: LoggedEvent, change: RowChange) -> None:
        told.append((partition, event.position, change.row))

    refold = type(refolded())(DOMAIN, things, stranger=stranger)
    refold.expect(Moment([9, 9]), "thing-1")
    refold.take(0, PAINTED)
    refold.take(1, happened(4, Painted("red", 1), "thing-2"))
    assert told == [(1, 4, "thing-2")]


def test_it_does_not_matter_how_batches_fell() -> None:
    """The store folds batches, the audit event by event: rows and entries end alike."""
    random = Random(7)
    projection = Projection(name="any", row=Thing, on=[], indexes=INDEXES)
    data, place = Keyspace(), Place("_at:0", "row:", "index:", INDEXES)
    rows: dict[str, FoldedRow] = {}
    position = 0
    for _ in range(400):
        changes = [some_change(random, position + n + 1) for n in range(random.randrange(1, 6))]
        position += len(changes)
        try:
            apply(data, place, changes)
        except Refused:
            continue
        for change in changes:
            rows.setdefault(change.row, FoldedRow()).fold(projection, 0, change)
    dump = data.dump()
    for name, row in rows.items():
        ranks = {key for key in row.content[0] if key.startswith("_rank:")}
        stands = dump[f"row:{name}"]
        assert row.content[0].keys() == stands.keys()
        assert all(
            float(text) == float(stands[key]) if key in ranks else text == stands[key]
            for key, text in row.content[0].items()
        )
    entries = {
        (name, f"index:{index}:{group}", score)
        for name, row in rows.items()
        for index, (group, score) in row.content[1].items()
    }
    assert entries == {
        (name, key, score)
        for key, members in dump.items()
        if key.startswith("index:")
        for name, score in members
    }
