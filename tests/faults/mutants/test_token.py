"""Cut out of ``commit.lua``: whether the lease's token is the caller's."""

from redis import Redis

from engine.core.errors import Fenced
from engine.core.records import Entry
from tests.faults.mutants.client import ANN, HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.tenancy import Frozen
from tests.faults.mutants.world import World
from tests.runtime.meddling import Barrier, Meddler

CHECK = """\
if call('HGET', lease, 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
"""


async def test_a_commit_that_comes_after_the_next_owner_has_begun(
    knife: Knife, elsewhere: World
) -> None:
    """An owner freezes on its way to a commit, and its successor begins a branch.

    Meanwhile the server was made a replica and a master again, so it has another name. Nobody has
    committed when the first one's commit arrives: commit number, position, versions and ids are
    as it wants them. But it writes on a branch that has ended: the receipt that its client gets
    is lost from the beginning.
    """
    knife.script("commit", CHECK)
    world = elsewhere
    world.client.register("c-1", ANN, "Ann")
    freezes, begins = Barrier(), Barrier()
    async with world.session():  # makes the namespace
        read = world.redis.xrange(world.keys.commands(HOME))
    feed = Frozen([Entry(id.decode(), fields) for id, fields in read])
    async with world.owner(lambda real: Meddler(real, {"commit": freezes}), feed=feed) as frozen:
        await freezes.reached.wait()
        rename_server(world.redis)
        world.lapse()
        async with world.owner(lambda real: Meddler(real, {"waiting": begins})) as successor:
            await begins.reached.wait()
            freezes.opened.set()
            end = await frozen.finish()
            begins.opened.set()
            await world.heard(successor)
    assert isinstance(end, Fenced) is not knife.cuts
    await judge(world, knife, "verify: outcome_branch")


def rename_server(redis: Redis) -> None:
    """Make a master a replica of nobody there, and a master again, as one step."""
    pipe = redis.pipeline(transaction=True)
    pipe.execute_command("REPLICAOF", "127.0.0.1", "1")
    pipe.execute_command("REPLICAOF", "NO", "ONE")
    assert pipe.execute() == [b"OK", b"OK"]
