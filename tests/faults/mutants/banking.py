"""The bank in one partition: whoever owns that, and workers that serve the bank's router."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from engine.core import registry
from engine.core.reactions import with_reactions
from engine.core.routed import Bounds, routing
from engine.runtime.reaction import Reaction
from engine.settings import Settings
from tests.eventually import eventually
from tests.faults.bank import deciders, routers
from tests.faults.mutants.client import HOME, PARTITIONS, aggregates
from tests.faults.mutants.tenancy import Tenancy
from tests.faults.mutants.world import World, Wrap, plain

[SOURCE, TARGET], [TRANSFER] = aggregates("account", 2), aggregates("transfer", 1)
[ROUTER] = (router.name for router in routers)
BANK = registry.build(deciders)
with_reactions(BANK, routers, ())

_BOUNDS = Bounds(command_bytes=100_000, commands=10, depth=100)


@asynccontextmanager
async def router(world: World, wrap: Wrap = plain) -> AsyncIterator[Tenancy]:
    """Serve the router until the end of the block; whoever did so before has slept too long."""
    world.redis.hset(world.keys.reaction(HOME, ROUTER), "until", 0)
    async with world.session() as session:
        lease = session.reaction_lease(ROUTER, HOME)
        token = await world.acquire(session, lease)
        tenant = Reaction(
            ROUTER, routing(BANK, ROUTER, PARTITIONS, session.secret, _BOUNDS), HOME,
            session.log_key(HOME), session.log_feed(),
            lambda token: wrap(session.reaction_log(ROUTER, HOME, token)), session.server,
            Settings(),
        )  # fmt: skip
        async with world.served(Tenancy(tenant, token)) as tenancy:
            yield tenancy


def begin(world: World, patience_ms: int) -> None:
    """Have a transfer begun; its account has nothing, and will refuse."""
    said = {"source": SOURCE, "target": TARGET, "amount": 1, "patience_ms": patience_ms}
    world.client.send("begin", "Begin", TRANSFER, said)


def types(world: World) -> list[str]:
    """What has happened."""
    return [fields[b"type"].decode() for _, fields in world.redis.xrange(world.keys.log(HOME))]


async def over(world: World) -> None:
    """Until the transfer is."""
    await eventually(lambda: "Cancelled" in types(world), "the transfer is cancelled")


async def quiet(world: World) -> None:
    """Until every command is handled, and all of the log is read by the router."""
    keys, redis = world.keys, world.redis

    def is_quiet() -> bool:
        # in this order: whoever has read all that there is sends no more
        reached: Any = redis.hget(keys.reaction(HOME, ROUTER), "position")
        [(last, _)] = redis.xrevrange(keys.commands(HOME), count=1)
        done, position = redis.hmget(keys.head(HOME), "command", "position")
        return (done, position) == (last, reached)

    await eventually(is_quiet, "all is handled, and what follows from that")
    await world.look()
