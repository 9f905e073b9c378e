"""What an audit reads, on every store: rows, entries and checkpoints of one moment."""

import pytest

from engine.core.audit.moment import Group, Moment
from engine.core.errors import Refused, Torn
from engine.core.parking import Fault, Note, written
from engine.core.ports import Evidence, Session
from engine.core.records import Checkpoint
from tests.contract.projecting import GENERATION, INDEXES, NAME, projecting, put, wipe
from tests.contract.stores import PARTITIONS, Store

OWNER: Group = ("by_owner", "ann")
BOTH: Group = ("by_both", "ann/red")


def evidence_on(session: Session) -> Evidence:
    return session.evidence(NAME, GENERATION, INDEXES)


def note(position: int) -> str:
    return written(Note(position, "T", Fault("KeyError", "a bug"), 4, 1))


async def walked(evidence: Evidence, count: int) -> tuple[set[str], set[Group]]:
    """All rows and groups there are, met in steps."""
    rows, groups, cursor = set[str](), set[Group](), "0"
    while True:
        cursor, some, found = await evidence.walk(cursor, count)
        rows |= {*some}
        groups |= {*found}
        if cursor == "0":
            return rows, groups


async def test_nothing_has_been_projected(store: Store) -> None:
    async with store.session() as session:
        evidence = evidence_on(session)
        assert await evidence.moment() == Moment([0] * PARTITIONS)
        [seen] = await evidence.see({"a": [OWNER]})
        assert (seen.name, seen.fields, seen.entries) == ("a", {}, {OWNER: None})
        assert await walked(evidence, 10) == (set(), set())
        assert await evidence.checkpoint(0) == (Checkpoint(), 0)
        assert [page async for page in evidence.log(0, 0, 9, 5)] == []
        assert [page async for page in evidence.members(OWNER)] in ([], [[]])
        assert await evidence.some_members(OWNER, 3) == []


async def test_rows_are_seen_with_their_entries_and_how_far_all_had_come(store: Store) -> None:
    async with projecting(store, partition=2) as p:
        await p.apply(
            put(4, "a", rank="1.5", owner="ann", colour="red"), put(5, "b", owner="bob"),
            put(6, "c", rank="3", owner="ann", colour="red"), wipe(7, "c"),
        )  # fmt: skip
        store.write(store.keys.parked(1, NAME, GENERATION), {"x-1": note(3), "retry x-1": "ask"})
        seen = await evidence_on(p.session).see(
            {"a": [OWNER, ("by_owner", "bob")], "b": [], "c": []}
        )
        moment = Moment([0, 0, 7, 0], {1: {"x-1": 3}})
        assert [row.moment for row in seen] == [moment] * 3
        assert moment.passed_over == 1
        a, b, c = seen
        assert a.fields == {"owner": "ann", "colour": "red", "_at:2": "4"}
        assert a.entries == {OWNER: 1.5, BOTH: 1.5, ("by_owner", "bob"): None}
        assert b.entries == {("by_owner", "bob"): 0.0}
        assert (c.fields, c.entries) == ({"_deleted": "1", "_at:2": "7"}, {})
        assert [[*row.partitions] for row in seen] == [[2], [2], [2]]


async def test_what_strangers_put_there_is_seen_as_it_is(store: Store) -> None:
    async with projecting(store) as p:
        store.plant(p.key("a"))
        store.rank(p.index_key("by_owner", "ann"), "a", 7)
        store.write(p.key("b"), {"owner": "100% a/b", "_at:x": "1", "_at:99": "1"})
        store.rank(p.index_key("by_owner", "100%25 a%2Fb"), "b", 8)
        a, b = await evidence_on(p.session).see({"a": [OWNER], "b": []})
        assert (a.fields, a.entries) == ({"": "another kind of key than a hash"}, {OWNER: 7.0})
        assert b.entries == {("by_owner", "100%25 a%2Fb"): 8.0}
        assert [*b.partitions] == []


async def test_an_index_key_of_another_kind_is_refused(store: Store) -> None:
    async with projecting(store) as p:
        store.plant(p.index_key("by_owner", "ann"))
        with pytest.raises(Refused):
            await evidence_on(p.session).see({"a": [OWNER]})


async def test_a_note_that_cannot_be_read_is_torn(store: Store) -> None:
    async with store.session() as session:
        store.write(store.keys.parked(1, NAME, GENERATION), {"x-1": "?"})
        with pytest.raises(Torn):
            await evidence_on(session).moment()


@pytest.mark.parametrize("count", [1, 7, 1000])
async def test_a_walk_meets_every_row_and_group_of_its_generation(store: Store, count: int) -> None:
    async with projecting(store) as p:
        rows = [f"row:{n}" for n in range(20)]
        await p.apply(*(put(n + 1, row, owner=f"o/{n}") for n, row in enumerate(rows)))
        store.write(store.keys.row(NAME, GENERATION + 1, "other"), {"owner": "ann"})
        store.write(store.keys.row(f"x{NAME}", GENERATION, "other"), {"owner": "ann"})
        groups = {("by_owner", f"o%2F{n}") for n in range(20)}
        assert await walked(evidence_on(p.session), count) == ({*rows}, groups)


async def test_the_members_of_a_group(store: Store) -> None:
    async with projecting(store) as p:
        rows = {f"row-{n}" for n in range(30)}
        await p.apply(*(put(n, row, owner="ann") for n, row in enumerate(sorted(rows), 1)))
        evidence = evidence_on(p.session)
        pages = [page async for page in evidence.members(OWNER)]
        assert {row for page in pages for row in page} == rows
        some = await evidence.some_members(OWNER, 5)
        assert len({*some}) == 5
        assert {*some} <= rows
        assert {*await evidence.some_members(OWNER, 99)} == rows


async def test_the_log_comes_in_pages(store: Store) -> None:
    async with store.session() as session:
        for position in range(1, 11):
            store.add(store.keys.log(3), {"n": str(position)}, f"{position}-0")
        pages = [page async for page in evidence_on(session).log(3, 2, 9, 3)]
        assert max(map(len, pages)) <= 3
        assert [entry.id for page in pages for entry in page] == [f"{n}-0" for n in range(3, 10)]


async def test_a_checkpoint_with_the_head_and_the_branches(store: Store) -> None:
    async with projecting(store, partition=1) as p:
        await p.apply(put(5, "a", owner="ann"))
        store.write(store.keys.head(1), {"position": "8"})
        store.add(store.keys.branches(1), {"branch": "branch-a", "from": "0", "server": "s"})
        evidence = evidence_on(p.session)
        assert await evidence.checkpoint(1) == (Checkpoint(5, "5-7", "branch-a"), 8)
        [branch] = await evidence.branches(1)
        assert branch.fields[b"branch"] == b"branch-a"


async def test_keys_are_named_as_they_are(store: Store) -> None:
    async with projecting(store) as p:
        evidence = evidence_on(p.session)
        assert evidence.row_key("a") == p.key("a")
        assert evidence.group_key(BOTH) == p.index_key("by_both", "ann", "red")
        assert evidence.checkpoint_key(3) == store.keys.projection(3, NAME, GENERATION)
        assert evidence.names(3).log == store.keys.log(3)
