"""Cut out of ``commit.lua``: one of the checks of what would fail later, amid the writes."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from engine.core.errors import Refused, Torn
from tests.faults.mutants.client import ANN, BOB, HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World
from tests.runtime.meddling import Barrier, Meddler


class Stranger(NamedTuple):
    """What somebody puts where it does not belong, and which check it takes to see that.

    ``found`` is what the judges see in the end where nobody did.
    """

    does: Callable[[World, str], object]
    where: Callable[[World], str]
    check: str
    instead: str
    found: str


VERSIONS = "call('XLEN', KEYS[i])"
LOG = """\
if (ends_at(log) or '0-0') ~= ARGV[3] .. '-0' then
  return redis.error_reply('TORN the log does not end at position ' .. ARGV[3])
end
"""
OUTCOMES = """\
if (ends_at(outcomes) or was[3]) ~= was[3] then
  return redis.error_reply('TORN the outcomes end at ' .. ends_at(outcomes))
end
"""
BURY = "bury_all(KEYS[5], 'command', letters_at, waits_at)\n"
LAST = "local reached ="
MENDED = "if type(redis.pcall('XADD', stream, id, ...)) == 'table' then"
BELIEVED = "tonumber(ARGV[at])"


def plant(world: World, key: str) -> None:
    world.redis.set(key, "planted")


def append(world: World, key: str) -> None:
    world.redis.xadd(key, {"some": "thing"}, "1-0")


def answer(world: World, key: str) -> None:
    """An outcome of the first command, by a stranger."""
    world.redis.xadd(key, {"some": "thing"}, world.client.open[0].entry)


def stream_of_bob(world: World) -> str:
    return world.keys.events(HOME, BOB)


STRANGERS = {
    "type": Stranger(plant, stream_of_bob, VERSIONS, BELIEVED, "verify: head_position"),
    "version": Stranger(append, stream_of_bob, VERSIONS, BELIEVED, "verify: head_position"),
    "log": Stranger(append, lambda w: w.keys.log(HOME), LOG, "", "verify: event_stray"),
    "outcomes": Stranger(
        answer, lambda w: w.keys.outcomes(HOME), OUTCOMES, "", "verify: head_position"
    ),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
async def test_a_stranger_stands_where_a_commit_will_write(
    knife: Knife, world: World, stranger: Stranger
) -> None:
    """Two commands are in one commit, and one of its writes will be refused.

    While it is on its way somebody writes where it is going to write, but not first. What was
    written before that stays, for a script is not rolled back; the check refuses all of it.
    Then an operator takes away what does not belong, and the next owner goes on: from where the
    head is, or from half a commit.
    """
    knife.script("commit", stranger.check, stranger.instead)
    held = Barrier()
    for name, customer in (("Ann", ANN), ("Bob", BOB)):
        world.client.register(f"c-{name}", customer, name)
    async with world.owner(lambda real: Meddler(real, {"commit": held})) as owner:
        await held.reached.wait()
        key = stranger.where(world)
        stranger.does(world, key)
        held.opened.set()
        await owner.ended.wait()
    assert isinstance(owner.end, Refused if knife.cuts or stranger.does is plant else Torn)
    world.redis.delete(key)
    async with world.owner() as successor:
        await world.heard(successor)
    await judge(world, knife, stranger.found)


PASSERS_BY = {
    "version": (stream_of_bob, "1-0"),
    "log": (lambda world: world.keys.log(HOME), "7-0"),
    "outcomes": (lambda world: world.keys.outcomes(HOME), "9999999999999-0"),
}


@pytest.mark.parametrize(("where", "id"), PASSERS_BY.values(), ids=PASSERS_BY)
async def test_a_stranger_stood_where_a_commit_will_write(
    knife: Knife, world: World, where: Callable[[World], str], id: str
) -> None:
    """Somebody added an entry, and an operator has tidied it up again.

    All lengths and ends are right. But a stream never takes an id below one that it has had, so
    one of the commit's writes is refused, and what was written before that stays. The last id
    is set back where that happens, and the commit is whole.
    """
    knife.script("commit", MENDED, "if call('XADD', stream, id, ...) == false then")
    for name, customer in (("Ann", ANN), ("Bob", BOB)):
        world.client.register(f"c-{name}", customer, name)
    world.redis.xadd(where(world), {"some": "thing"}, id)
    world.redis.xdel(where(world), id)
    async with world.owner() as owner:
        if knife.cuts:
            await owner.ended.wait()
            assert isinstance(owner.end, Refused)
        else:
            await world.heard(owner)
    await judge(world, knife, "verify: event_stray")


async def test_a_stranger_stands_where_dead_letters_go(knife: Knife, world: World) -> None:
    """A command has killed owner after owner, and is answered `failed`, with a dead letter.

    Both are one step. Somebody put a text where dead letters go, and the letter is refused. That
    it comes first is the check: were it last, the outcome would be written, and the head would
    know of neither.
    """
    knife.script("commit", BURY)
    knife.script("commit", LAST, BURY + LAST)
    deadly = world.client.register("c-1", ANN, "Ann")
    plant(world, world.keys.dead(HOME))
    killed = {"crashes": 3, "deaths": 3, "suspect": deadly.entry}
    world.redis.hset(world.keys.lease(HOME), mapping=killed)
    async with world.owner() as owner:
        await owner.ended.wait()
    assert isinstance(owner.end, Refused)
    world.redis.delete(world.keys.dead(HOME))
    async with world.owner() as successor:
        await world.heard(successor)
    await judge(world, knife, "verify: head_command")
