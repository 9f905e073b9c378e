"""When a run is over, and what it may leave behind."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis

from engine.store.keys import Keys
from tests.faults.cast import NAMESPACE, PARTITIONS
from tests.faults.flaky import routers
from tests.faults.rebuilds import DIGESTS, strangers
from tests.faults.watch import drained

KEYS = Keys(NAMESPACE)
LAST = PARTITIONS - 1
ENTRY = {"id": "c", "type": "T", "aggregate": "a-1", "data": "{}"}


async def quiet() -> Any:
    """A namespace where one command was handled, in the last partition, and all is read."""
    redis: Any = FakeAsyncRedis(decode_responses=True)
    await redis.xadd(KEYS.commands(LAST), ENTRY, "5-0")
    await redis.hset(KEYS.head(LAST), mapping={"command": "5-0", "position": 1})
    for router in routers:
        await redis.hset(KEYS.reaction(LAST, router.name), "position", 1)
    for name in DIGESTS:
        await redis.hset(KEYS.projection(LAST, name, 1), "position", 1)
    return redis


Change = Callable[[Any], Awaitable[object]]


async def test_all_is_drained() -> None:
    assert await drained(await quiet())


@pytest.mark.parametrize(
    "change",
    [
        lambda redis: redis.xadd(KEYS.commands(LAST), ENTRY, "6-0"),
        lambda redis: redis.xadd(KEYS.inbox(), ENTRY),
        lambda redis: redis.hset(KEYS.timer(LAST), "a-1/t", "{}"),
        lambda redis: redis.hset(KEYS.waiting(LAST), "5-0", "{}"),
        lambda redis: redis.hset(KEYS.reaction(LAST, "bank"), "position", 0),
        lambda redis: redis.hdel(KEYS.reaction(LAST, "fulfilment"), "position"),
        lambda redis: redis.hset(KEYS.projection(LAST, "orders", 1), "position", 0),
        lambda redis: redis.hset(KEYS.live("orders"), "removing", 1),
    ],
    ids=["command", "inbox", "timer", "waiting", "bank", "shop", "projection", "removing"],
)
async def test_something_is_left_to_do(change: Change) -> None:
    redis = await quiet()
    await change(redis)
    assert not await drained(redis)


async def test_generations_that_are_over_leave_nothing() -> None:
    redis = await quiet()
    await redis.hset(KEYS.live("orders"), mapping={"live": 4, "previous": 3, "removing": 2})
    for name in ("customers", "stock"):
        await redis.hset(KEYS.live(name), "live", 1)
    await redis.delete(KEYS.projection(LAST, "orders", 1))
    for number in (4, 3, 2):
        await redis.hset(KEYS.row("orders", number, "o-1"), "total", 1)
        await redis.xgroup_create(KEYS.log(0), f"orders@{number}", mkstream=True)
    for partition in range(1, PARTITIONS):
        await redis.xadd(KEYS.log(partition), {"type": "T"})
    assert not await strangers(redis)
    await redis.hset(KEYS.row("orders", 1, "o-1"), "total", 1)
    await redis.xgroup_create(KEYS.log(0), "orders@1")
    assert len(await strangers(redis)) == 2
