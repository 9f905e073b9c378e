"""Cut out of ``submit.lua``: whether the mark is the one that the sender expects."""

from engine.core.errors import Fenced
from tests.faults.mutants.banking import BANK, begin, over, quiet, router
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World
from tests.runtime.meddling import Barrier, Meddler

CHECK = """\
if mark ~= ARGV[2] then
  return {mark}
end
"""


async def test_a_worker_that_sends_after_the_next_one_has(knife: Knife, world: World) -> None:
    """A worker freezes on its way to a submission, and its successor does all that is to do.

    What it sends then was sent before. Known as a repeat it has no effect: but it is there twice.
    """
    knife.script("submit", CHECK)
    freezes = Barrier()
    async with world.owner(domain=BANK):
        begin(world, patience_ms=3_600_000)
        async with router(world, lambda real: Meddler(real, {"submit": freezes})) as frozen:
            await freezes.reached.wait()
            async with router(world):
                await over(world)
                await quiet(world)
                freezes.opened.set()
                assert isinstance(await frozen.finish(), Fenced)
                await quiet(world)
    await judge(world, knife, "checker: reaction_not_once", "sampler: went_back")
