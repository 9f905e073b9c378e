"""Parked aggregates: mended code catches up in order, or it is said why it cannot."""

import itertools
from collections.abc import MutableMapping
from typing import Any

import pytest

from engine.core.ids import stream_order
from engine.core.parking import DROP, RETRY, Ask, Fault, Note, written
from tests.eventually import eventually
from tests.runtime.meddling import Death, die
from tests.runtime.poison import EVENTS, OF_ONE, OF_TWO, ONE, TWO, Bugs, Play
from tests.runtime.reading import ITEM, PARTITION, reading

pytestmark = pytest.mark.usefixtures("poison_log")


@pytest.mark.parametrize("size", [1, 512])
@pytest.mark.parametrize("poison", OF_ONE)
async def test_mended_code_catches_up_in_order(poison: int, size: int) -> None:
    async with reading(projection_batch_events=size) as r:
        play = Play(r, Bugs(poison))
        await play.read()
        play.bugs.at.clear()
        await play.answered(RETRY)
        assert play.rows == {ONE: play.bugs.row(*OF_ONE), TWO: play.bugs.row(*OF_TWO)}
        assert play.fields == {}
        assert play.position == EVENTS
        changed = r.stage.server.data.stream(r.stage.keys.changed(PARTITION, "buggy", 1)).entries
        assert changed[-1].fields[b"rows"] == f'["{ONE}"]'.encode(), "who follows is told"
        assert stream_order(changed[-1].id) > (EVENTS, 0)


async def test_what_comes_while_it_is_parked_queues_behind() -> None:
    async with reading() as r:
        play = Play(r, Bugs(3))
        await play.read()
        async with r.stage.owner(PARTITION):
            await r.stage.answer("AddOrderItem", TWO, ITEM)
            await r.stage.answer("ShipOrder", TWO)
        assert await play.read() == {ONE: play.bugs.row(*OF_ONE)}
        assert play.position == EVENTS + 2
        assert play.bugs.tries == 4, "who is parked is not tried again, by no worker"
        play.bugs.at.clear()
        await play.ask(RETRY, TWO)
        async with r.projecting(1, projection=play.bugs.projection):
            await eventually(lambda: not play.parked, "it has caught up")
        assert play.rows[TWO] == play.bugs.row(*OF_TWO, 7, 8)


async def test_a_worker_that_dies_while_it_replays_leaves_the_rest_parked() -> None:
    async with reading(projection_batch_events=1) as r:
        play = Play(r, Bugs(1))
        await play.read()
        play.bugs.at.clear()
        r.wrap = {"after": {"apply": die}}
        await play.ask(RETRY)
        await play.die_once()
        assert play.fields.keys() == {ONE}, "the request is gone: it does not kill the next one"
        r.wrap = {}
        assert (await play.read()).keys() == {TWO}
        # One page is replayed, then the worker dies: what is noted is where to go on.
        steps = itertools.count()

        async def die_at_the_third() -> None:
            if next(steps) == 2:
                raise Death

        r.wrap = {"after": {"apply": die_at_the_third}}
        await play.ask(RETRY, id="ask-2")
        await play.die_once()
        assert play.parked[ONE].position == 3
        assert play.rows[ONE] == play.bugs.row(1, 2)
        r.wrap = {}
        await play.answered(RETRY, id="ask-3")
        assert play.rows[ONE] == play.bugs.row(*OF_ONE)


async def test_a_replay_of_code_that_was_not_mended_says_so() -> None:
    async with reading() as r:
        play = Play(r, Bugs(2))
        await play.read()
        play.bugs.at = {4}
        await play.answered(RETRY)
        note = play.parked[ONE]
        assert (note.position, note.attempts, note.answered) == (4, 5, "ask-1")
        assert note.error.message == "a bug at 4"
        assert play.rows[ONE] == play.bugs.row(1, 2), "what could be replayed was"
        play.bugs.at.clear()
        await play.answered(RETRY, id="ask-2")
        assert play.rows[ONE] == play.bugs.row(*OF_ONE)


async def test_a_row_that_others_have_moved_on_needs_a_rebuild() -> None:
    async with reading() as r:
        play = Play(r, Bugs(4, shared=True))
        await play.read()
        play.bugs.at.clear()
        before = play.rows
        await play.answered(RETRY)
        assert play.parked[ONE].error.type == "RebuildNeeded"
        assert "row all" in play.parked[ONE].error.message
        assert play.rows == before


async def test_a_shared_row_that_nobody_has_moved_on_is_replayed() -> None:
    async with reading() as r:
        play = Play(r, Bugs(6, shared=True))
        await play.read()
        play.bugs.at.clear()
        await play.ask(RETRY, TWO)
        async with r.projecting(1, projection=play.bugs.projection):
            await eventually(lambda: not play.parked, "it has caught up")
        assert play.rows["all"] == {"total_amount": "6"}


async def test_what_is_dropped_is_given_up_and_what_comes_later_is_applied(
    poison_log: list[MutableMapping[str, Any]],
) -> None:
    async with reading() as r:
        play = Play(r, Bugs(3))
        await play.read()
        await play.ask(RETRY, TWO)
        await play.ask(DROP, TWO)
        async with r.projecting(1, projection=play.bugs.projection):
            await eventually(lambda: not play.fields, "it is dropped, with all that was asked")
        (dropped,) = [line for line in poison_log if line["event"] == "projection.dropped"]
        assert (dropped["log_level"], dropped["aggregate"]) == ("warning", TWO)
        async with r.stage.owner(PARTITION):
            await r.stage.answer("ShipOrder", TWO)
        assert (await play.read())[TWO] == play.bugs.row(EVENTS + 1)


async def test_what_is_asked_is_done_while_it_stands_still() -> None:
    async with reading(parked_limit=1, projection_batch_events=1) as r:
        play = Play(r, Bugs(1, 6))
        async with r.projecting(1, projection=play.bugs.projection):
            await eventually(lambda: play.position == EVENTS - 1, "it stands still at the last")
            play.bugs.at.discard(1)
            await play.ask(RETRY)
            await r.reached(1, EVENTS, projection=play.bugs.projection)
        assert play.parked.keys() == {TWO}
        assert play.rows == {ONE: play.bugs.row(*OF_ONE), TWO: play.bugs.row(3)}


async def test_an_event_whose_changes_are_refused_is_parked_alone() -> None:
    async with reading() as r:
        play = Play(r, Bugs())
        r.stage.server.data.plant(r.stage.keys.row("buggy", 1, ONE), "a stranger's")
        async with r.projecting(1, projection=play.bugs.projection):
            await r.reached(1, EVENTS, projection=play.bugs.projection)
        assert play.parked[ONE].error.type == "Refused"
        assert play.parked[ONE].position == 1
        r.stage.server.data.remove(r.stage.keys.row("buggy", 1, ONE))
        await play.answered(RETRY)
        assert play.rows == {ONE: play.bugs.row(*OF_ONE), TWO: play.bugs.row(*OF_TWO)}


async def test_a_note_that_is_ahead_of_the_checkpoint_is_forgotten_and_its_event_is_next() -> None:
    """Such a one is written where a batch was begun anew, and ended earlier the second time."""
    async with reading(projection_batch_events=1) as r:
        play = Play(r, Bugs(3))
        r.wrap = {"after": {"apply": die}}
        for _ in range(2):
            await play.die_once()
        r.wrap = {}
        note = Note(4, "OrderItemAdded", Fault("KeyError", "a bug"), 4, 1)
        key = r.stage.keys.parked(PARTITION, "buggy", 1)
        r.stage.server.data.put(key, {ONE: written(note), Ask(RETRY, ONE, "a").field: "a"})
        # The event at 3 fails, and is begun anew, for something is asked: before 4 was read.
        assert (await play.read())[ONE] == play.bugs.row(*OF_ONE)
        assert play.parked.keys() == {TWO}


async def test_what_is_asked_is_done_while_a_refused_event_stands_still() -> None:
    async with reading(parked_limit=1) as r:
        play = Play(r, Bugs(1))
        r.stage.server.data.plant(r.stage.keys.row("buggy", 1, TWO), "a stranger's")
        async with r.projecting(1, projection=play.bugs.projection) as projector:
            await eventually(lambda: "WRONGTYPE" in projector.progress.trouble, "it stands still")
            play.bugs.at.clear()
            await play.ask(RETRY)
            await r.reached(1, EVENTS, projection=play.bugs.projection)
        assert play.parked.keys() == {TWO}
        assert play.parked[TWO].position == 3


async def test_an_event_whose_changes_are_refused_ends_a_replay_just_there() -> None:
    async with reading() as r:
        play = Play(r, Bugs(1))
        await play.read()
        play.bugs.at.clear()
        play.bugs.touches[4] = "planted"
        r.stage.server.data.plant(r.stage.keys.row("buggy", 1, "planted"), "a stranger's")
        await play.answered(RETRY)
        assert (play.parked[ONE].position, play.parked[ONE].error.type) == (4, "Refused")
        r.stage.server.data.remove(r.stage.keys.row("buggy", 1, "planted"))
        assert play.rows[ONE] == play.bugs.row(1, 2), "what stands before it was applied"
        await play.answered(RETRY, id="ask-2")
        assert play.rows[ONE] == play.bugs.row(*OF_ONE)
