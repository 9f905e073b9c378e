"""What became of a namespace, as everything that can judge it has it."""

import anyio.to_thread

from tests.edge.command_line import Semel
from tests.faults.checker import check
from tests.faults.histories import dump
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World
from tests.faults.sampler import went_back


async def judge(world: World, knife: Knife, *checks: str) -> None:
    """With a check cut out, each of these must see it; nothing is wrong with a whole engine."""
    found = await _found(world)
    if knife.cuts:
        assert set(checks) <= found.keys(), found
    else:
        assert not found, found


async def _found(world: World) -> dict[str, str]:
    """What they find, by judge and check: an example of each."""
    semel = Semel(world.url, world.keys.namespace)
    said = await anyio.to_thread.run_sync(lambda: semel.run("verify", "-o", "json"))
    found = {f"verify: {error['code']}": str(error["message"]) for error in said.errors}
    async with world.session() as session:
        verdict = check(world.client.attempts, await dump(session), world.lost)
    found |= {f"checker: {wrong.check}": wrong.said for wrong in verdict.violations}
    if went := list(went_back(world.sampler.samples)):
        found["sampler: went_back"] = went[0]
    return found
