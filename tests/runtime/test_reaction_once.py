"""Whoever dies, reads twice or comes late: each command that follows from an event is sent once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import anyio
import pytest

from engine.core.errors import Fenced
from engine.runtime import follower as module
from tests.eventually import eventually
from tests.runtime.bank import NAME, Bank
from tests.runtime.meddling import Barrier, die
from tests.runtime.stage import PARTITIONS, home
from tests.transfers import Deposit

TRANSFERS = 6
BEGUN = home("transfer-0")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)


class Later:
    """Does something at the n-th call, and no other."""

    def __init__(self, at: int, what: Any) -> None:
        self._left, self._what = at, what

    async def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            await self._what()


@asynccontextmanager
async def bank_with_transfers(**settings: Any) -> AsyncIterator[Bank]:
    """Six transfers begun, an engine, and nobody who routes yet."""
    bank = Bank(**settings)
    async with bank.engine():
        bank.send(Deposit(amount=TRANSFERS), "account-a")
        for number in range(TRANSFERS):
            bank.begin(number)
        await eventually(bank.is_answered, "all commands are answered")
        yield bank


async def die_routing(bank: Bank, partition: int) -> bool:
    """One router's life, up to its death; False if it lived until all was read."""
    return await bank.life(partition, lambda: bank.is_read(partition))


@pytest.mark.parametrize("when", ["before submit", "after submit", "before move", "after move"])
@pytest.mark.parametrize(("events", "commands"), [(1, 256), (3, 1), (512, 256)])
async def test_a_router_that_dies_is_followed_without_a_repeat_or_a_gap(
    when: str, events: int, commands: int
) -> None:
    where, what = when.split()
    settings = {"projection_batch_events": events, "batch_commands": commands}
    async with bank_with_transfers(**settings) as bank:
        for at in (1, 2, 3):
            for partition in range(PARTITIONS):
                bank.wrap = {where: {what: Later(at, die)}}
                await die_routing(bank, partition)
        bank.wrap = {}
        async with bank.routed():
            await bank.settled()
    bank.require_once(finished=TRANSFERS)


@pytest.mark.parametrize("held", ["submit", "move"])
async def test_two_who_route_one_partition_send_each_command_once(held: str) -> None:
    barrier = Barrier()
    async with bank_with_transfers(projection_batch_events=2) as bank, bank.stage.session() as one:
        bank.wrap = {"before": {held: barrier}}
        stale, token = await bank.reaction(one, BEGUN), await bank.acquire(one, BEGUN)
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                with pytest.raises(Fenced):
                    await stale.serve(token)

            tasks.start_soon(serve)
            await barrier.reached.wait()
            bank.wrap = {}
            async with bank.routed():
                await bank.settled()
                barrier.opened.set()
    bank.require_once(finished=TRANSFERS)


async def test_who_begins_anew_sends_nothing_twice() -> None:
    async with bank_with_transfers() as bank:
        async with bank.routed():
            await bank.settled()
        sent = len(bank.from_inside())
        for partition in range(PARTITIONS):
            bank.stage.server.data.remove(bank.stage.keys.reaction(partition, NAME))
        async with bank.routed():
            await bank.settled()
        assert len(bank.from_inside()) == sent
        bank.begin(TRANSFERS)
        async with bank.routed():
            await bank.settled()
    bank.require_once(finished=TRANSFERS, cancelled=1)


@pytest.mark.parametrize("seed", range(6))
async def test_wherever_it_is_cut_each_command_is_sent_once(seed: int) -> None:
    random = Random(seed)
    size = random.randint(1, 5)
    async with bank_with_transfers(projection_batch_events=size, batch_commands=2) as bank:
        for _ in range(12):
            where, what = random.choice(["before", "after"]), random.choice(["submit", "move"])
            bank.wrap = {where: {what: Later(random.randint(1, 3), die)}}
            await die_routing(bank, random.randrange(PARTITIONS))
        bank.wrap = {}
        async with bank.routed():
            await bank.settled()
    bank.require_once(finished=TRANSFERS)


async def test_a_commands_events_are_counted_wherever_reading_begins() -> None:
    """The second event of each `Begin` asks; its index is in the id of what it asks for."""
    async with bank_with_transfers(projection_batch_events=1) as bank:
        bank.wrap = {"after": {"move": Later(1, die)}}
        assert await die_routing(bank, BEGUN)
        assert bank.position(BEGUN) == 1
        bank.wrap = {}
        async with bank.routed():
            await bank.settled()
    asked = [each["id"].split("/")[3] for each in bank.from_inside() if each["type"] == "Withdraw"]
    assert asked == ["1"] * TRANSFERS


async def test_who_is_stopped_finishes_what_is_in_hand_and_no_more() -> None:
    barrier = Barrier()
    async with bank_with_transfers(projection_batch_events=2) as bank, bank.stage.session() as one:
        bank.wrap = {"before": {"submit": barrier}}
        reaction, token = await bank.reaction(one, BEGUN), await bank.acquire(one, BEGUN)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reaction.serve, token)
            await barrier.reached.wait()
            reaction.stop()
            barrier.opened.set()
    assert bank.position(BEGUN) == 2
    assert len(bank.from_inside()) == 1
