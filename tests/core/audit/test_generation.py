"""A generation folded anew, beside rows that were read while it moved."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from engine.core import registry
from engine.core.audit.findings import Finding
from engine.core.audit.generation import FoldedRow, Generation, ReadRow
from engine.core.errors import Refused
from engine.core.messages import Event, EventContext
from engine.core.projection import Index, Operation, Projection, Row, add, delete, put
from engine.core.records import LoggedEvent
from engine.store.memory.apply import Place, apply
from engine.store.memory.keyspace import Keyspace
from tests.contract.projecting import INDEXES
from tests.contract.test_apply_alike import some_change

META = b'{"causation":"c","entry":"1-0","time":"2026-01-31T12:00:00Z"}'


class Painted(Event):
    colour: str
    rank: int


class Counted(Event):
    row: str
    n: int


class Removed(Event):
    pass


class Thing(Row):
    id: str
    colour: str | None = None
    rank: int = 0
    n: int = 0


def on_painted(event: Painted, context: EventContext) -> Iterator[Operation]:
    yield put(context.aggregate, colour=event.colour, rank=event.rank)


def on_counted(event: Counted) -> Iterator[Operation]:
    yield add(event.row, n=event.n)


def on_removed(_event: Removed, context: EventContext) -> Iterator[Operation]:
    yield delete(context.aggregate)


things = Projection(
    name="things",
    row=Thing,
    on=[on_painted, on_counted, on_removed],
    indexes=[Index("by_colour", ("colour",), order="rank")],
)
RED, BLUE = ("by_colour", "red"), ("by_colour", "blue")
KEYS = {RED: "index:red", BLUE: "index:blue"}


def happened(position: int, event: Event, aggregate: str = "thing-1") -> LoggedEvent:
    data = msgspec.json.encode(event)
    return LoggedEvent(position, aggregate, position, type(event).__name__, data, META)


def folded(*events: LoggedEvent) -> Generation:
    generation = Generation(things, registry.build(projections=[things]))
    for event in events:
        generation.take(0, event)
    return generation


PAINTED = happened(1, Painted("red", 5))
AS_PAINTED = {"colour": "red", "rank": "5", "_at:0": "1"}


def judged(generation: Generation, fields: dict[str, str], **entries: float) -> list[str]:
    """What is found of thing-1, read like this; entries by their group."""
    groups: dict[Any, float | None] = dict.fromkeys(KEYS)
    groups |= {("by_colour", group): score for group, score in entries.items()}
    generation.watch({"thing-1": ReadRow(fields, groups)})
    return [_said(each) for each in generation.judge("row", "thing-1", KEYS)]


def _said(finding: Finding) -> str:
    return f"{finding.check} {finding.key} {finding.id}"


def test_a_row_as_the_log_makes_it() -> None:
    generation = folded(PAINTED)
    assert generation.is_as_read("thing-1", AS_PAINTED)
    assert not generation.is_as_read("thing-1", AS_PAINTED | {"colour": "blue"})
    assert not generation.is_as_read("thing-2", AS_PAINTED)
    assert judged(generation, AS_PAINTED, red=5) == []


def test_what_is_wrong_with_a_row() -> None:
    generation = folded(PAINTED)
    assert judged(generation, AS_PAINTED | {"rank": "6"}, red=5) == ["row_differs row rank"]
    assert judged(generation, AS_PAINTED | {"_at:1": "6"}, red=5) == ["row_differs row _at:1"]
    assert judged(generation, {}, red=5) == ["row_missing row "]
    assert judged(folded(), AS_PAINTED) == ["row_stray row "]
    assert judged(generation, AS_PAINTED) == ["entry_missing index:red thing-1"]
    assert judged(generation, AS_PAINTED, red=6) == ["entry_score index:red thing-1"]
    assert judged(generation, AS_PAINTED, red=5, blue=5) == ["entry_stray index:blue thing-1"]


def test_a_row_that_moves_is_compared_with_what_it_has_taken() -> None:
    """Read when it had taken the second event; the fold goes on to the third."""
    generation = folded(PAINTED)
    read = {"colour": "blue", "rank": "6", "_at:0": "2"}
    assert not generation.is_as_read("thing-1", read)
    generation.watch({"thing-1": ReadRow(read, {RED: None, BLUE: 6.0})})
    generation.take(0, happened(2, Painted("blue", 6)))
    generation.take(0, happened(3, Painted("red", 7)))
    assert generation.entries_of("thing-1") == [BLUE]
    assert list(generation.judge("row", "thing-1", KEYS)) == []
    generation.watch({})
    assert generation.entries_of("thing-1") == [RED]
    assert generation.is_as_read("thing-1", {"colour": "red", "rank": "7", "_at:0": "3"})


def test_a_row_that_lags_behind_the_checkpoint_is_found() -> None:
    generation = folded(PAINTED, happened(2, Painted("blue", 6)))
    found = judged(generation, AS_PAINTED, red=5)
    assert "row_differs row _at:0" in found
    assert "entry_stray index:red thing-1" in found


def test_a_tombstone_is_a_row_and_in_no_group() -> None:
    generation = folded(PAINTED, happened(2, Removed()))
    assert judged(generation, {"_deleted": "1", "_at:0": "2"}) == []


def test_many_partitions_add_to_one_row() -> None:
    generation = folded(happened(4, Counted("thing-1", 2), "thing-9"))
    generation.take(1, happened(9, Counted("thing-1", 3), "thing-8"))
    assert judged(generation, {"n": "5", "_at:0": "4", "_at:1": "9"}) == []


def test_what_was_not_met_is_told() -> None:
    generation = folded(PAINTED, happened(2, Painted("blue", 6), "thing-2"))
    assert dict(generation.unseen()) == {"thing-1": [RED], "thing-2": [BLUE]}
    assert generation.is_as_read("thing-1", AS_PAINTED)
    assert generation.holds(BLUE, "thing-2", 6)
    assert not generation.holds(BLUE, "thing-2", 7)
    assert dict(generation.unseen()) == {"thing-1": [RED], "thing-2": []}


def test_a_kept_rank_is_a_number() -> None:
    row = FoldedRow({"_rank:by_colour": "2.10"})
    generation = folded()
    generation.rows["thing-1"] = row
    assert generation.is_as_read("thing-1", {"_rank:by_colour": "2.1000000000000001"})
    assert not generation.is_as_read("thing-1", {"_rank:by_colour": "2.2"})
    assert not generation.is_as_read("thing-1", {})


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
    generation = folded()
    generation.rows = rows
    for name in rows:
        assert generation.is_as_read(name, data.hash(f"row:{name}")), name
    entries = {
        (name, f"index:{index}:{group}", score)
        for name, row in rows.items()
        for index, (group, score) in row.entries.items()
    }
    assert entries == {
        (name, key, score)
        for key, members in data.dump().items()
        if key.startswith("index:")
        for name, score in members
    }
