"""The change stream: each step tells what it changed, in the same step, and nothing goes untold."""

from collections.abc import Sequence

import pytest

from engine.core.errors import Fenced, Refused
from engine.core.following import CHANGES_KEPT, Change, read_change
from engine.core.parking import Fault, Note, written
from engine.core.records import Checkpoint, Entry
from tests.contract.projecting import (
    GENERATION,
    NAME,
    Projecting,
    add,
    drop,
    project,
    projecting,
    put,
    wipe,
)
from tests.contract.stores import PARTITIONS, Store

NODE = 100
"""Entries that Redis keeps in one piece, and drops in one."""


def told(one: Projecting) -> dict[str, Change]:
    """What the partition's change stream holds, by id."""
    entries, _ = one.store.dump().get(key(one), ([], {}))
    found = {id: read_change(Entry(id, fields)) for id, fields in entries}
    return {id: change for id, change in found.items() if change is not None}


def key(one: Projecting) -> str:
    return one.store.keys.changed(one.partition, NAME, GENERATION)


async def ends(one: Projecting) -> Sequence[str]:
    reached = await one.session.checkpoints.reached(NAME, GENERATION, PARTITIONS)
    return [each.changed for each in reached]


async def test_a_step_tells_rows_and_groups_under_the_position_that_it_reaches(
    store: Store,
) -> None:
    async with projecting(store, 2) as one:
        assert await ends(one) == ["0-0"] * PARTITIONS
        await one.apply(put(1, "r", owner="ann", rank="1"), put(3, 's"/é', n="1"), upto=4)
        await one.apply(add(6, "r", n="1"))
        assert told(one) == {
            "4-0": Change("0-0", ["r", 's"/é'], ["by_owner:ann"]),
            "6-0": Change("4-0", ["r"], []),
        }
        assert await ends(one) == ["0-0", "0-0", "6-0", "0-0"]
        assert one.session.changed_key(NAME, GENERATION, 2) == key(one)


async def test_groups_are_told_that_are_entered_left_and_moved_in(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="a/b", colour="red", rank="1"))
        await one.apply(put(2, "r", colour="blue"))
        await one.apply(put(3, "r", rank="7"))
        await one.apply(drop(4, "r", "owner"))
        await one.apply(put(5, "r", owner="cid"))
        await one.apply(wipe(6, "r"))
        assert {id: change.groups for id, change in told(one).items()} == {
            "1-0": ["by_owner:a%2Fb", "by_both:a%2Fb/red"],
            "2-0": ["by_both:a%2Fb/red", "by_both:a%2Fb/blue"],
            "3-0": ["by_owner:a%2Fb", "by_both:a%2Fb/blue"],
            "4-0": ["by_owner:a%2Fb", "by_both:a%2Fb/blue"],
            "5-0": ["by_owner:cid", "by_both:cid/blue"],
            "6-0": ["by_owner:cid", "by_both:cid/blue"],
        }
        assert all(change.rows == ["r"] for change in told(one).values())


async def test_a_group_is_told_once_however_many_rows_move_in_it(store: Store) -> None:
    async with projecting(store) as one:
        rows = [f"r{n}" for n in range(30)]
        await one.apply(*(put(n, row, owner="ann", rank="1") for n, row in enumerate(rows, 1)))
        assert told(one) == {"30-0": Change("0-0", rows, ["by_owner:ann"])}


async def test_nothing_is_told_where_nothing_changes(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(2, "r", a="1"))
        store.write(one.session.projection_lease(NAME, GENERATION, 0), {"position": "0"})
        one.position = 0
        await one.apply(put(1, "r", a="0"), put(2, "r", a="1"))
        await one.apply(upto=9)
        stale = one.session.log(NAME, GENERATION, (), 0, "token-of-yesterday")
        with pytest.raises(Fenced):
            await stale.apply(9, Checkpoint(10, "10-7", "b"), [put(10, "r", a="2")])
        with pytest.raises(Refused):
            await one.apply(put(10, "r", a="2"), add(11, "s", a="x"))
        assert told(one).keys() == {"2-0"}
        assert (await ends(one))[0] == "2-0"


async def test_steps_that_do_not_move_the_checkpoint_are_told_too(store: Store) -> None:
    """So a parked aggregate is replayed: its events lie behind the checkpoint."""
    async with projecting(store) as one:
        await one.apply(put(5, "r", a="1"))
        for position in (2, 3):
            await one.apply(put(position, "late", a=str(position)), upto=5)
        await one.apply(put(6, "r", a="2"))
        assert told(one) == {
            "5-0": Change("0-0", ["r"], []),
            "5-1": Change("5-0", ["late"], []),
            "5-2": Change("5-1", ["late"], []),
            "6-0": Change("5-2", ["r"], []),
        }


async def test_generations_and_partitions_tell_apart(store: Store) -> None:
    async with projecting(store) as one:
        other = await project(store, one.session, 1)
        await one.apply(put(1, "r", a="1"))
        await other.apply(put(8, "r", a="2"))
        assert await ends(one) == ["1-0", "8-0", "0-0", "0-0"]
        later = await one.session.checkpoints.reached(NAME, GENERATION + 1, 2)
        assert later == [(0, "0-0"), (0, "0-0")]


@pytest.mark.parametrize("upto", [1, 3])
async def test_a_higher_id_is_in_nobodys_way(store: Store, upto: int) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"))
        store.add(key(one), {"a": "stranger"}, "1769860800000-0")
        await one.apply(put(2, "r", a="2"), upto=upto + 1)
        assert told(one) == {f"{upto + 1}-0": Change("1-0", ["r"], [])}
        assert one.row("r") == {"a": "2", "_at:0": "2"}


async def test_a_strangers_value_is_in_nobodys_way(store: Store) -> None:
    async with projecting(store) as one:
        store.plant(key(one))
        await one.apply(put(1, "r", a="1"))
        assert told(one) == {"1-0": Change("0-0", ["r"], [])}


async def test_a_stream_that_was_removed_goes_on_where_it_was(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"))
        store.remove(key(one))
        await one.apply(put(2, "r", a="2"))
        assert told(one) == {"2-0": Change("1-0", ["r"], [])}


async def test_notes_that_cannot_be_written_tell_nothing(store: Store) -> None:
    async with projecting(store) as one:
        store.plant(store.keys.parked(0, NAME, GENERATION))
        note = written(Note(1, "Happened", Fault("KeyError", "a bug", ""), 1, 1))
        with pytest.raises(Refused):
            await one.log.apply(
                0, Checkpoint(1, "1-7", "b"), [put(1, "r", a="1")], {"order-1": note}
            )
        assert told(one) == {}
        assert await ends(one) == ["0-0"] * PARTITIONS


async def test_old_changes_go_and_young_ones_stay(store: Store) -> None:
    async with projecting(store) as one:
        for position in range(1, NODE + 11):
            await one.apply(put(position, "r", a=str(position)))
        last = one.position
        await one.apply(put(last + CHANGES_KEPT, "r", a="young"))
        kept = list(told(one))
        assert f"{last}-0" in kept, "it is one of the last events whose changes are kept"
        assert f"{last + CHANGES_KEPT}-0" in kept
        assert len(kept) < NODE, "those before are not"
