"""Cut out of parking: the note beside the checkpoint, and what a replay asks of watermarks."""

import pytest

from engine.core.parking import RETRY, Ask, Attempt
from engine.runtime import parking, standstill
from projections.customers import customers
from tests.eventually import eventually
from tests.faults.mutants.client import ANN, BOB, HOME, aggregates
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World

NOTED = "else call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))
    monkeypatch.setattr(parking, "ASKED_SECONDS", 0)


async def test_an_event_that_is_passed_over(knife: Knife, world: World) -> None:
    """A stranger's text stands where Bob's row belongs, until his event was passed over.

    The note that says so is the only trace of that: without it, a row is missing and nobody
    knows.
    """
    knife.script("apply", NOTED, "end")
    row = world.keys.row(customers.name, 1, BOB)
    world.redis.set(row, "a stranger's")
    async with world.owner(), world.projector() as projector:
        await world.answer(world.client.register("c-1", ANN, "Ann"))
        await world.answer(world.client.register("c-2", BOB, "Bob"))
        await world.projected(projector)
    world.redis.delete(row)
    await judge(world, knife, "verify: row_missing")


async def test_a_replay_that_comes_too_late(knife: Knife, world: World) -> None:
    """Two orders are counted in one row, and the first one is parked: the row was a stranger's.

    The second one has moved the row's watermark on. Who replays the first one all the same writes
    nothing, for the watermark says that this was done, and forgets that it was parked.
    """
    knife.code(Attempt, "settled", lambda attempt, _projection, _watermarks: attempt)
    first, second = aggregates("order", 2)
    row = world.keys.row(customers.name, 1, "customer-c-1")
    noted = world.keys.parked(HOME, customers.name, 1)
    async with world.owner(), world.projector() as projector:
        world.redis.set(row, "a stranger's")
        await world.answer(world.client.create("c-1", first))
        await world.projected(projector)
        world.redis.delete(row)
        await world.answer(world.client.create("c-2", second))
        await world.projected(projector)
        ask = Ask(RETRY, first, "ask-1")
        world.redis.hset(noted, ask.field, ask.id)
        await eventually(lambda: not world.redis.hexists(noted, ask.field), "it is taken up")
        await eventually(
            lambda: b"ask-1" in (world.redis.hget(noted, first) or b"ask-1"), "it is answered"
        )
    await judge(world, knife, "verify: row_differs")
