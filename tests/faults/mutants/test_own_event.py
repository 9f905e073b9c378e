"""Cut out of ``runtime/beginning.py``: whether the checkpoint stands on its own event."""

from collections.abc import Sequence

from engine.core.branches import Branch, exists
from engine.core.errors import Torn
from engine.core.ports import Log
from engine.core.records import Checkpoint
from engine.runtime import projector as module
from tests.faults.mutants.client import ANN, BOB, CLEO
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World


async def trusting(log: Log, branches: Sequence[Branch], _projection: str) -> Checkpoint:
    """The checkpoint, if its branch still exists so far, whatever stands there."""
    checkpoint = await log.checkpoint()
    if not exists(branches, checkpoint.branch, checkpoint.position):
        raise Torn("history was lost")
    return checkpoint


async def test_a_history_that_was_replaced(knife: Knife, world: World) -> None:
    """A projector has applied two events, and the second one is replaced by another.

    The log is restored from a copy that had one event, on the same server: no branch begins.
    Then the branch exists and so does the position, but another event stands there. Who trusts
    that keeps a name that nobody has, and never sees what does stand there. Who looks stops, and
    says that the projection must be rebuilt, which is done.
    """
    knife.code(module, "trusted_checkpoint", trusting)
    async with world.owner(), world.projector() as projector:
        await world.answer(world.client.register("c-1", ANN, "Ann"))
        copy = world.copy()
        await world.answer(world.client.rename("c-2", ANN, "Anna"))
        await world.projected(projector)
    world.restore(copy)
    async with world.owner():
        await world.answer(world.client.register("c-3", BOB, "Bob"))
        await world.answer(world.client.register("c-4", CLEO, "Cleo"))
        async with world.projector() as projector:
            await world.projected(projector)
        if isinstance(projector.end, Torn):
            world.forget_rows()
            async with world.projector() as projector:
                await world.projected(projector)
    assert projector.end is None
    await judge(world, knife, "verify: row_differs", "verify: row_missing")
