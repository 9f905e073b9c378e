"""Given up: the rule of doubt. What an owner knew survives a connection that broke.

Where it is the head that survives, commit number and position see that it is stale; where a
commit is sent again as it was, the number sees it too. Here is what nothing else sees.
"""

from collections.abc import Callable
from typing import Any

import anyio
import msgspec
import pytest
from redis import Redis

from engine.core.errors import Lost, Refused
from engine.core.ports import Ledger
from engine.core.records import Commit
from engine.core.window import Window
from engine.edge.server import EmbeddedServer
from engine.runtime import partition
from engine.runtime.actor import Actors
from engine.store.session import RedisSession
from tests.faults.mutants.client import ANN, HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World
from tests.runtime.meddling import Meddler


async def test_a_commit_that_never_arrived(knife: Knife, world: World) -> None:
    """A command is decided and remembered, and the connection breaks before its commit is sent.

    The owner acquires anew and reads the same command again. Had it kept its window, it would
    know the id, and answer with a duplicate of what was never written: the client is told that
    its command was accepted, and nothing has happened.
    """
    survives(knife, "window")
    sent = world.client.register("c-1", ANN, "Ann")
    async with world.node(breaking(world.redis, "before")):
        answer = await world.answer(sent)
    assert answer.status == ("duplicate" if knife.cuts else "accepted")
    await judge(world, knife, "verify: duplicate", "checker: no_outcome", "checker: no_effect")


@pytest.mark.parametrize(
    ("what", "id", "check"),
    [("window", "c-2", "verify: duplicate"), ("actors", "c-3", "verify: events_missing")],
)
async def test_a_server_that_was_replaced_by_an_older_copy(  # noqa: PLR0913 -- two of each
    knife: Knife, world: World, other: EmbeddedServer, what: str, id: str, check: str
) -> None:
    """A customer is registered, and renamed; a copy from in between takes the server's place.

    The head is read anew. The client sends its command again, as it must after a lost tail, or
    another one that asks for the same. With a window from before, that is a duplicate of what is
    not there; with an actor from before, there is nothing to do. Either way the client is told
    of a name that the customer does not have.
    """
    survives(knife, what)
    sessions: list[RedisSession] = []

    def seen(session: RedisSession, ledger: Ledger) -> Ledger:
        sessions.append(session)
        return ledger

    async with world.node(seen):
        await world.answer(world.client.register("c-1", ANN, "Ann"))
        copy, redis = world.copy(), world.redis
        await world.answer(world.client.rename("c-2", ANN, "Anna"))
        world.replace(other.url, copy)
        await hang_up(redis, sessions[0])
        answer = await world.answer(world.client.rename(id, ANN, "Anna"))
    assert len(sessions) == 2
    status = "duplicate" if knife.cuts and what == "window" else "accepted"
    assert (answer.status, answer.version) == (status, 2)
    await judge(world, knife, check, "checker: no_effect")


async def test_a_commit_that_is_sent_again(knife: Knife, world: World) -> None:
    """A commit has landed, its reply is lost, and the owner does not leave it at that.

    Sent again as it was, it is fenced by its number. So the owner acquires anew, asks where head
    and aggregates are now, and commits there what was decided before. Nothing is in the way of
    the events; only the outcome's id is taken, and Redis says so when they are written.
    """
    knife.second_net()
    breaks = breaking(world.redis, "after")

    def wrap(session: RedisSession, ledger: Ledger) -> Any:
        return Insisting(world, breaks(session, ledger)) if knife.cuts else breaks(session, ledger)

    sent = world.client.register("c-1", ANN, "Ann")
    async with world.node(wrap):
        await world.answer(sent)
    world.lapse()
    async with world.owner() as successor:
        world.client.rename("c-2", ANN, "Anna")
        await world.heard(successor)
    await judge(world, knife, "verify: head_position", "checker: effect_differs")


def survives(knife: Knife, what: str) -> None:
    """Have the next owner begin with the window, or the actors, of the one before."""
    kept: dict[str, Any] = {}

    def window(*arguments: Any) -> Any:
        return kept.setdefault("window", Window(*arguments))

    class Surviving(Actors):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._actors = kept.setdefault("actors", self._actors)

    knife.code(partition, what.capitalize(), {"window": window, "actors": Surviving}[what])


def breaking(redis: Redis, when: str) -> Callable[[RedisSession, Ledger], Any]:
    """Have the first session break, before its first commit or after it."""
    broken: list[RedisSession] = []

    def wrap(session: RedisSession, ledger: Ledger) -> Any:
        if broken:
            return ledger
        broken.append(session)

        async def cut() -> None:
            await hang_up(redis, session)
            await anyio.sleep_forever()

        return Meddler(ledger, **{when: {"commit": cut}})

    return wrap


async def hang_up(redis: Redis, session: RedisSession) -> None:
    """Have the server end a session's connection, and the session hear of it."""
    client = await session._control.call("CLIENT", "ID")
    assert redis.client_kill_filter(_id=client) == 1
    with pytest.raises(Lost):
        await session._control.call("PING")


class Insisting:
    """A ledger that does not live with an unknown fate: it commits again, on what stands now."""

    def __init__(self, world: World, real: Ledger) -> None:
        self._world, self._real = world, real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def commit(self, commit: Commit) -> None:
        try:
            await self._real.commit(commit)
        except (Lost, anyio.get_cancelled_exc_class()):
            with anyio.CancelScope(shield=True):
                await self._again(commit)
            raise

    async def _again(self, commit: Commit) -> None:
        async with self._world.session() as session:
            token = await self._world.acquire(session, session.partition_lease(HOME), "node")
            ledger = session.ledger(HOME, token)
            head = await ledger.open()
            histories = await ledger.load(list(commit.versions), [0] * len(commit.versions))
            versions = dict(zip(commit.versions, map(len, histories), strict=True))
            rebased = msgspec.structs.replace(
                commit, number=head.commit, position=head.position, versions=versions
            )
            with pytest.raises(Refused):
                await ledger.commit(rebased)
