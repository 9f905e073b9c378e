"""Cut out of ``snapshot.lua``: whether the lease is the caller's, and whether the version is there.

An owner is frozen between a commit and keeping what came of it, and the server goes back to a copy
from before that commit. So what it is about to keep never was.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import handlers
import projections
from engine.core import registry
from engine.core.errors import Fenced
from tests.eventually import eventually
from tests.faults.mutants.client import ANN, HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.tenancy import Tenancy
from tests.faults.mutants.world import World
from tests.runtime.meddling import Barrier, Meddler
from tests.shop import NO_FULFILMENT

TOKEN = """\
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
"""
VERSION = "if #redis.call('XRANGE', KEYS[i], id, id) > 0 then"

KEEPING = registry.build(
    [replace(decider, snapshot_events=1) for decider in handlers.deciders],
    projections.projections, projections.queries, NO_FULFILMENT,
)  # fmt: skip
"""The shop, where every state is kept."""


def keeping(barrier: Barrier) -> Callable[[Any], Any]:
    """Hold an owner up before it keeps anything."""

    def wrap(ledger: Any) -> Any:
        ledger.snapshots = Meddler(ledger.snapshots, {"keep": barrier})
        return ledger

    return wrap


@asynccontextmanager
async def about_to_keep(world: World, freezes: Barrier) -> AsyncIterator[Tenancy]:
    """Ann is called Anna, which is about to be kept, and then was never true."""
    async with world.owner(domain=KEEPING):
        await world.answer(world.client.register("c-1", ANN, "Ann"))
    async with world.owner(keeping(freezes), domain=KEEPING) as owner:
        copy = world.copy()
        await world.answer(world.client.rename("c-2", ANN, "Anna"))
        await freezes.reached.wait()
        world.restore(copy)
        yield owner


async def test_a_state_of_an_event_that_is_gone(knife: Knife, world: World) -> None:
    """Nobody has taken the lease: the token is right, and the version is what tells."""
    knife.script("snapshot", VERSION, "if true then")
    freezes = Barrier()
    async with about_to_keep(world, freezes) as owner:
        freezes.opened.set()
        await owner.finish()
    await judge(world, knife, "verify: snapshot_ahead")


async def test_a_state_of_an_event_that_was_replaced(knife: Knife, world: World) -> None:
    """The next owner has another event at that version: the token is what tells."""
    knife.script("snapshot", TOKEN)
    freezes = Barrier()
    async with about_to_keep(world, freezes) as owner:
        async with world.owner(domain=KEEPING):
            await world.answer(world.client.rename("c-3", ANN, "Annie"))
            kept = world.keys.snapshot(HOME, ANN)
            await eventually(lambda: b"Annie" in (world.redis.get(kept) or b""), "it is kept")
        freezes.opened.set()
        end = await owner.finish()
    assert isinstance(end, Fenced) is not knife.cuts
    await judge(world, knife, "verify: snapshot_ahead")
