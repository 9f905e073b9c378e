"""Parked aggregates: noted in the step that passes them over, asked about, and found by readers."""

from typing import Any

import pytest

from engine.core.errors import Fenced, Refused
from engine.core.parking import DROP, RETRY, Ask, Fault, Note, without, written
from engine.core.records import Checkpoint
from tests.contract.projecting import GENERATION, NAME, Projecting, projecting, put
from tests.contract.stores import Store

NOTE = Note(
    2, "OrderCreated", Fault("KeyError", "a 'bug' \u20ac", "Traceback …"), 4, 1_769_860_800_000
)
EVENT = {"version": "1", "type": "OrderCreated", "data": "{}", "meta": "{}"}


async def step(one: Projecting, upto: int, notes: dict[str, str], *changes: Any) -> None:
    """One step of a projector that has something to say of parked aggregates."""
    checkpoint = Checkpoint(upto, f"{upto}-7", "branch-a")
    await one.log.apply(one.position, checkpoint, changes, notes)
    one.position = upto


async def test_a_note_is_written_with_the_checkpoint_and_goes_with_it(store: Store) -> None:
    async with projecting(store) as one:
        key, parked = store.keys.parked(0, NAME, GENERATION), one.session.parked  # type: ignore[attr-defined]
        assert await one.log.parked() == {}
        await step(one, 3, {"order-1": written(NOTE), "order-2": written(NOTE)}, put(3, "r", a="1"))
        assert one.row("r") == {"a": "1", "_at:0": "3"}
        assert store.dump()[key] == {"order-1": written(NOTE), "order-2": written(NOTE)}
        assert await one.log.parked() == store.dump()[key]
        assert await parked.notes(NAME, GENERATION, 0) == ({"order-1": NOTE, "order-2": NOTE}, [])
        assert await parked.counts(NAME, GENERATION, range(3)) == [2, 0, 0]
        # The checkpoint may stay where it is.
        await step(one, 3, without("order-1"))
        assert (await one.log.checkpoint()).position == 3
        await step(one, 4, without("order-2"))
        assert key not in store.dump()


async def test_who_does_not_hold_the_lease_notes_nothing(store: Store) -> None:
    async with projecting(store) as one:
        before = store.dump()
        stale = one.session.log(NAME, GENERATION, (), 0, "token-of-yesterday")
        for log, built_on in ((stale, 0), (one.log, 7)):
            with pytest.raises(Fenced):
                await log.apply(built_on, Checkpoint(8, "8-7", "b"), (), {"order-1": written(NOTE)})
        assert store.dump() == before


async def test_a_step_that_is_refused_notes_nothing(store: Store) -> None:
    async with projecting(store) as one:
        await step(one, 1, {}, put(1, "r", n="text"))
        before = store.dump()
        with pytest.raises(Refused):
            await step(one, 2, {"order-1": written(NOTE)}, put(2, "r", rank="no number", owner="a"))
        assert store.dump() == before


async def test_notes_that_cannot_be_written_keep_the_step_from_being_taken(store: Store) -> None:
    async with projecting(store) as one:
        store.plant(store.keys.parked(0, NAME, GENERATION))
        before = store.dump()
        with pytest.raises(Refused):
            await step(one, 2, {"order-1": written(NOTE)}, put(2, "r", a="1"))
        assert store.dump() == before


async def test_only_of_who_is_parked_can_anything_be_asked(store: Store) -> None:
    async with projecting(store) as one:
        parked = one.session.parked  # type: ignore[attr-defined]
        asks = [Ask(RETRY, "order-1", "a1"), Ask(DROP, "order-1", "a2")]
        assert not await parked.ask(NAME, GENERATION, 0, asks[0])
        assert store.keys.parked(0, NAME, GENERATION) not in store.dump()
        await step(one, 3, {"order-1": written(NOTE)})
        for ask in asks:
            assert await parked.ask(NAME, GENERATION, 0, ask)
        notes, asked = await parked.notes(NAME, GENERATION, 0)
        assert (notes, sorted(asked)) == ({"order-1": NOTE}, sorted(asks))
        assert await parked.counts(NAME, GENERATION, [0]) == [1]
        await step(one, 3, without("order-1"))
        assert await parked.notes(NAME, GENERATION, 0) == ({}, [])


async def test_readers_find_whose_event_is_passed_over(store: Store) -> None:
    async with projecting(store) as one:
        for position, aggregate in enumerate(["order-1", "order-1", "order-2", "order-1"], 1):
            store.add(store.keys.log(0), {"aggregate": aggregate, **EVENT}, f"{position}-0")
        seen = one.session.checkpoints
        assert await seen.parked_at(NAME, GENERATION, 0, 2) == ""
        await step(one, 4, {"order-1": written(NOTE)})
        found = [await seen.parked_at(NAME, GENERATION, 0, position) for position in range(6)]
        assert found == ["", "", "order-1", "", "order-1", ""]
        place = (NAME, GENERATION, 0)
        assert (await seen.glance(*place, "order-1")).parked_at == 2
        assert (await seen.glance(*place, "order-2")).parked_at == 0
        assert (await seen.glance(*place)).parked_at == 0
        assert [event.aggregate for event in await one.log.events_after(1, 2)] == [
            "order-1", "order-2",
        ]  # fmt: skip
        assert await one.log.events_after(4, 2) == []


async def test_watermarks_are_those_of_the_partition(store: Store) -> None:
    async with projecting(store) as one:
        await step(one, 3, {}, put(2, "r", a="1"), put(3, "s", a="1"))
        store.write(one.key("r"), {"_at:3": "17"})
        assert await one.log.watermarks(["r", "s", "none"]) == {"r": 2, "s": 3, "none": 0}
        assert abs(await one.log.now_ms() - store.now_ms()) < 5000


async def test_dead_letters_are_read_in_order(store: Store) -> None:
    async with projecting(store) as one:
        parked = one.session.parked  # type: ignore[attr-defined]
        for key in (store.keys.dead(0), store.keys.inbox_dead()):
            for n in range(1, 4):
                store.add(key, {"source": "commands", "entry": f"{n}-0"}, f"{n}-0")
        for partition in (0, None):
            letters = await parked.letters(partition, "1-0", 5)
            assert [letter.fields[b"entry"] for letter in letters] == [b"2-0", b"3-0"]
            assert len(await parked.letters(partition, "0-0", 2)) == 2
        assert await parked.letters(1, "0-0", 5) == []
