"""Cut out of ``core/rejections.py``: the note of a refusal, for the router that asked."""

from engine.core import draft, rejections
from tests.faults.mutants.banking import BANK, begin, over, quiet, router
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World


async def test_a_refusal_that_nobody_hears_of(knife: Knife, world: World) -> None:
    """An account refuses. Without a note in the log its transfer waits for ever."""
    for owner in (draft, rejections):
        knife.code(owner, "is_noted", lambda _received, _status: False)
    async with world.owner(domain=BANK), router(world):
        begin(world, patience_ms=3_600_000)
        if not knife.cuts:
            await over(world)
        await quiet(world)
    await judge(world, knife, "checker: refusal_not_noted_once", "checker: transfer_not_over_once")
