"""Side effects: at least once, in order, under one key; and what fails stops alone."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

from engine import Effect, EffectContext
from engine.core import registry
from engine.core.parking import DROP, RETRY, Ask, Note, notes_in
from engine.core.reactions import with_reactions
from engine.runtime import follower, parking, standstill
from engine.runtime.effects import Doing, EffectReaction
from tests import transfers
from tests.eventually import eventually
from tests.runtime.meddling import Death, Meddler
from tests.runtime.stage import LEASE_SECONDS, Stage, aggregates
from tests.transfers import Deposit, Deposited

PARTITION = 1
ONE, TWO = aggregates("account", PARTITION, 2)
NAME = "mail"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "IDLE_SECONDS", 0.005)
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))
    monkeypatch.setattr(parking, "ASKED_SECONDS", 0)


class World:
    """What is done outside, and what goes wrong there."""

    def __init__(self, **effect: Any) -> None:
        self.done: list[tuple[str, int]] = []
        self.keys: list[str] = []
        self.tries: dict[str, int] = {}
        self.fails: Callable[[str], bool] = lambda _account: False
        self.dies_at = 0
        self.effect = Effect(name=NAME, react=[self.send], **effect)

    async def send(self, event: Deposited, context: EffectContext) -> None:
        self.tries[context.aggregate] = self.tries.get(context.aggregate, 0) + 1
        await anyio.lowlevel.checkpoint()
        if self.fails(context.aggregate):
            raise ConnectionError("nobody is there")
        self.done.append((context.aggregate, event.amount))
        self.keys.append(context.key)
        if len(self.done) == self.dies_at:
            raise Death


class Post:
    """A partition with deposits on two accounts, and whoever sends mail about them."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.world, self.stage = world, Stage(**settings)
        self.stage.domain = with_reactions(registry.build(transfers.deciders), [world.effect])
        self.wrap: dict[str, Any] = {}
        self._tokens = 0

    def deposit(self, *amounts: tuple[str, int]) -> None:
        for account, amount in amounts:
            data = Deposit(amount=amount).model_dump()
            self.stage.send("Deposit", account, data, id=f"{account}/{amount}".replace("/", ":"))

    @property
    def position(self) -> int:
        key = self.stage.keys.reaction(PARTITION, NAME)
        return int(self.stage.server.data.hash(key).get("position", 0))

    @property
    def parked(self) -> dict[str, Note]:
        key = self.stage.keys.reaction_parked(PARTITION, NAME)
        return notes_in(self.stage.server.data.hash(key))

    def ask(self, verb: str) -> None:
        key = self.stage.keys.reaction_parked(PARTITION, NAME)
        self.stage.server.data.put(key, {Ask(verb, ONE, "ask-1").field: "ask-1"})

    async def life(self, over: Callable[[], bool]) -> bool:
        """One worker's life, up to its death; False if it lived until something was true."""
        died = anyio.Event()
        async with self.stage.session() as session, anyio.create_task_group() as tasks:
            doing = Doing(self.stage.domain, self.stage.domain.effects[NAME])
            log = partial(session.reaction_log, NAME, PARTITION)
            about = session.log_key(PARTITION), session.log_feed()
            served = EffectReaction(
                doing, PARTITION, *about, lambda token: Meddler(log(token), **self.wrap),
                session.server, self.stage.settings,
            )  # fmt: skip
            self._tokens += 1
            self.stage.clock.now += LEASE_SECONDS + 1
            key, token = session.reaction_lease(NAME, PARTITION), f"token-{self._tokens}"
            assert await session.leases.acquire(key, token, token, LEASE_SECONDS)

            async def live() -> None:
                try:
                    await served.serve(token)
                except Death:
                    died.set()

            tasks.start_soon(live)
            await eventually(lambda: died.is_set() or over(), "it has ended")
            served.stop()
        return died.is_set()

    async def read(self) -> None:
        """A worker reads all there is."""
        assert not await self.life(lambda: self.position == len(self.stage.log(PARTITION)))


@asynccontextmanager
async def posted(world: World, **settings: Any) -> AsyncIterator[Post]:
    post = Post(world, **settings)
    async with post.stage.owner(PARTITION):
        post.deposit((ONE, 1), (TWO, 10), (ONE, 2), (TWO, 20))
        await eventually(lambda: len(post.stage.log(PARTITION)) == 4, "all is deposited")
        yield post


def of(world: World, account: str) -> list[int]:
    return [amount for name, amount in world.done if name == account]


@pytest.mark.parametrize("size", [1, 2, 512])
async def test_each_event_is_reacted_to_in_its_aggregates_order(size: int) -> None:
    world = World()
    async with posted(world, projection_batch_events=size) as post:
        await post.read()
        await post.read()
    assert (of(world, ONE), of(world, TWO)) == ([1, 2], [10, 20])
    assert sorted(world.keys) == sorted(
        f"{account}/{account}:{amount}/0" for account, amount in world.done
    )


async def test_after_a_death_it_may_be_done_again_under_the_same_key() -> None:
    world = World()
    async with posted(world, projection_batch_events=2) as post:
        world.dies_at = 2
        assert await post.life(lambda: False)
        assert post.position == 0
        await post.read()
    assert set(of(world, ONE)) == {1, 2}
    assert set(of(world, TWO)) == {10, 20}
    assert len(world.done) == 6
    assert len(set(world.keys)) == 4


async def test_what_fails_now_and_then_is_tried_again() -> None:
    world = World()
    world.fails = lambda account: account == ONE and world.tries[ONE] < 4
    async with posted(world) as post:
        await post.read()
        assert not post.parked
    assert (of(world, ONE), of(world, TWO)) == ([1, 2], [10, 20])


async def test_what_fails_again_and_again_stops_its_aggregate_alone() -> None:
    world = World(attempts=3)
    world.fails = lambda account: account == ONE
    async with posted(world) as post:
        await post.read()
        note = post.parked[ONE]
        assert (note.position, note.attempts) == (1, 3)
        assert str(note.error) == "ConnectionError: nobody is there"
        assert (of(world, ONE), of(world, TWO)) == ([], [10, 20])
        world.fails = lambda _account: False
        post.ask(RETRY)
        await post.life(lambda: not post.parked)
    assert (of(world, ONE), of(world, TWO)) == ([1, 2], [10, 20])


async def test_what_is_given_up_is_not_done() -> None:
    world = World(attempts=1)
    world.fails = lambda account: account == ONE
    async with posted(world) as post:
        await post.read()
        world.fails = lambda _account: False
        post.ask(DROP)
        await post.life(lambda: not post.parked)
        post.deposit((ONE, 3))
        await eventually(lambda: len(post.stage.log(PARTITION)) == 5, "it is deposited")
        await post.read()
    assert of(world, ONE) == [3]


async def test_what_takes_too_long_counts_as_failed() -> None:
    world = World(attempts=2, seconds=0.01)
    never = anyio.Event()

    async def wait(_event: Deposited) -> None:
        await never.wait()

    world.effect = Effect(name=NAME, react=[wait], attempts=2, seconds=0.01)
    async with posted(world) as post:
        await post.read()
        assert {note.error.type for note in post.parked.values()} == {"TimeoutError"}
        assert set(post.parked) == {ONE, TWO}


async def test_a_rate_is_kept() -> None:
    world = World(rate=50)
    async with posted(world) as post:
        before = anyio.current_time()
        await post.read()
        assert anyio.current_time() - before >= 3 / 50
    assert len(world.done) == 4
