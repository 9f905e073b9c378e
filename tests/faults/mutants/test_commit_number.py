"""Cut out of ``commit.lua``: whether the commit that stands is the one built on."""

from engine import Decider, Rejected
from engine.core import registry
from engine.core.errors import Fenced
from handlers import customers
from handlers.customers import Customer, RegisterCustomer
from tests.faults.mutants.client import ANN, HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World
from tests.runtime.meddling import Barrier, Meddler

CHECK = "(was[1] or '0') ~= ARGV[2] or "


def turn_away(_command: RegisterCustomer, _customer: Customer) -> None:
    """The rule of another release."""
    raise Rejected("closed", "nobody is registered any more")


STRICT = registry.build(
    [Decider(kind="customer", initial=Customer(), decide=[turn_away], evolve=customers.evolve)]
)


async def test_two_owners_with_one_token_that_answer_the_same_command(
    knife: Knife, world: World
) -> None:
    """Two loops were given one token, by a bug in acquiring; one runs an older release.

    Both take the same command. One rejects it: no event, so the position stands, and no stream
    has grown. The other accepts it, and all but the commit number is as it wants it. Redis
    refuses an outcome whose id is there; but by then the events are written, and stay.
    """
    knife.script("commit", CHECK)
    knife.second_net()
    held = Barrier()
    async with (
        world.owner(domain=STRICT) as strict,
        world.owner(lambda real: Meddler(real, {"commit": held}), token=strict.token) as lenient,
    ):
        await strict.reads()
        await lenient.reads()
        sent = world.client.register("c-1", ANN, "Ann")
        assert (await world.answer(sent)).status == "rejected"
        await held.reached.wait()
        held.opened.set()
        assert isinstance(await lenient.finish(), Fenced) is not knife.cuts
    await judge(world, knife, "checker: effect_of_refused", "verify: head_position")


async def test_two_owners_with_one_token_of_which_one_missed_a_command(
    knife: Knife, world: World
) -> None:
    """Again two loops with one token; somebody trims the commands by hand.

    One loop rejected a command that the other had not read. The client repeats it, and for the
    other one it is new: its window is from before. Position and versions are as they were, and
    the entry's id is above all others. Without the commit number an id is answered twice.
    """
    knife.script("commit", CHECK)
    held = Barrier()
    async with world.owner() as prompt:
        await prompt.reads()
        late = world.owner(lambda real: Meddler(real, after={"waiting": held}), token=prompt.token)
        async with late as tardy:
            await held.reached.wait()
            await world.answer(world.client.rename("c-1", ANN, "Ann"))
            await prompt.finish()
            world.redis.xtrim(world.keys.commands(HOME), 0)
            world.client.rename("c-1", ANN, "Ann")
            held.opened.set()
            await world.heard(tardy)
        assert isinstance(tardy.end, Fenced) is not knife.cuts
    async with world.owner() as last:
        await world.heard(last)
    await judge(
        world, knife, "checker: two_outcomes", "checker: answers_differ", "verify: answered_twice",
        "sampler: went_back",
    )  # fmt: skip
