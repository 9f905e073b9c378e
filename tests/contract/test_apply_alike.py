"""Any history of row changes leaves the same keys in memory as behind the scripts."""

from contextlib import AsyncExitStack
from random import Random

import pytest

from engine.core.errors import Refused
from engine.core.records import Appended, RowChange
from tests.contract.projecting import INDEXES, Projecting, project
from tests.contract.stores import MemoryStore, RedisStore, Store

STEPS, CHANGES = 40, 5
ROWS = ["r1", "r2", "r3/x"]
VALUES = {"owner": ["ann", "a/b", "a%", ""], "colour": ["red", "bl/ue"], "text": ["ü", "1"]}
ITEMS = [
    '"x"',
    '"a/b,\\n]["',
    '"ü\\u0000"',
    "123456789012345678901",
    "1.10",
    "[]",
    "{}",
    '{"b":null,"a":""}',
]
AMOUNTS = ["1", "-1", "0.5", "2.25", "-0.75", "0.00", "1000000000000.001", "-999999999999.99"]


def some_change(random: Random, position: int) -> RowChange:
    """One event's change to one row, with anything that a projection may ask for."""
    change = RowChange(random.choice(ROWS), position, random.random() < 0.1, [], [], [], {})
    for name, values in VALUES.items():
        match random.randrange(4):
            case 0:
                change.put += (name, random.choice(values))
            case 1 if random.random() < 0.5:
                change.drop.append(name)
    for name in ("n", "amount"):
        if random.random() < 0.4:
            change.add += (name, random.choice(AMOUNTS))
    for index in INDEXES:
        if random.random() < 0.3:
            change.ranks[index.name] = random.choice(["1", "2.5", "-3", "1769860800000"])
    append_some(random, change)
    if random.random() < 0.02:
        change.add += ("text", "1")
    return change


def append_some(random: Random, change: RowChange) -> None:
    """Items for lists, now and then for none; some lists are emptied first."""
    for name in ("list", "other"):
        if random.random() < 0.05:
            change.drop.append(name)
        for _ in range(random.choice([0, 0, 0, 1, 1, 2, 5])):
            change.append.append(Appended(name, random.choice(ITEMS), random.choice([1, 2, 3, 10])))
    if random.random() < 0.02:
        change.append.append(Appended("text", '"x"', 3))


@pytest.mark.parametrize("seed", range(3))
async def test_memory_and_redis_end_alike(redis_store: RedisStore, seed: int) -> None:
    memory = MemoryStore(redis_store.keys.namespace)
    stores: list[Store] = [memory, redis_store]
    async with AsyncExitStack() as stack:
        sides = [await side(store, stack) for store in stores]
        random = Random(seed)
        for step in range(STEPS):
            partition = random.randrange(2)
            first = step * CHANGES
            again = max(1, first - random.randrange(3) * CHANGES)
            changes = [some_change(random, again + n) for n in range(CHANGES)]
            answers = [await said(one[partition], changes, first + CHANGES) for one in sides]
            assert answers[0] == answers[1]
            assert what_matters(memory) == what_matters(redis_store), f"step {step} of {changes}"


async def side(store: Store, stack: AsyncExitStack) -> list[Projecting]:
    """Two projectors on one store."""
    session = await stack.enter_async_context(store.session())
    return [await project(store, session, partition, f"t{partition}") for partition in range(2)]


async def said(one: Projecting, changes: list[RowChange], upto: int) -> bool:
    """Whether a step was taken."""
    try:
        await one.apply(*changes, upto=upto)
    except Refused:
        return False
    return True


def what_matters(store: Store) -> dict[str, object]:
    """Rows, indexes and checkpoints; ends of leases and secrets are each store's own."""
    dump = store.dump()
    for value in dump.values():
        if isinstance(value, dict):
            for name in ("until", "since", "server", "secret"):
                value.pop(name, None)
    return dump
