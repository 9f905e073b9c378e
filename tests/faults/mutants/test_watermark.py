"""Cut out of ``apply.lua``: whether a row has taken an event already."""

from tests.faults.mutants.client import HOME, aggregates
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World

PLACE = ["position", "command", "branch"]
CHECK = "if change[2] > rows[number].at then"


async def test_rows_that_are_ahead_of_the_checkpoint(knife: Knife, world: World) -> None:
    """Orders are counted in their customer's row, and the checkpoint is lost, but not the rows.

    That can be where rows live on another server than the log; here it is set back by hand. The
    next projector applies the same events again: a row knows by its watermark what it has taken,
    or it counts twice.
    """
    knife.script("apply", CHECK, "if true then")
    checkpoint = world.keys.projection(HOME, "customers", 1)
    first, second = aggregates("order", 2)
    async with world.owner():
        await world.answer(world.client.create("c-1", first))
        async with world.projector() as projector:
            await world.projected(projector)
            before = world.redis.hmget(checkpoint, PLACE)
            await world.answer(world.client.create("c-2", second))
            await world.projected(projector)
        world.redis.hset(checkpoint, mapping=dict(zip(PLACE, before, strict=True)))
        async with world.projector() as projector:
            await world.projected(projector)
    await judge(world, knife, "verify: row_differs")
