"""How far generations have come, as whoever waits for one reads it."""

from engine.core.generations import PAUSED
from engine.core.records import Checkpoint
from tests.contract.projecting import GENERATION, NAME, projecting, put
from tests.contract.stores import PARTITIONS, Store

REACHED = Checkpoint(7, "7-7", "branch-a")


async def test_one_look_tells_what_is_live_and_how_far_another_has_come(store: Store) -> None:
    async with projecting(store, partition=2) as one:
        seen = one.session.checkpoints
        assert await seen.glance(NAME, GENERATION, 2) == (1, False, Checkpoint(), 0)
        await one.apply(upto=7)
        assert await seen.glance(NAME, GENERATION, 2) == (1, False, REACHED, 0)
        assert await seen.glance(NAME, GENERATION, 1) == (1, False, Checkpoint(), 0)
        store.write(store.keys.live(NAME), {"live": "3", "state": PAUSED})
        assert await seen.glance(NAME, GENERATION, 2) == (3, True, REACHED, 0)
        assert await seen.glance(NAME, 3, 2) == (3, True, Checkpoint(), 0)
        store.write(store.keys.live(NAME), {"state": ""})
        assert await seen.glance("others", GENERATION, 2) == (1, False, Checkpoint(), 0)
        assert (await seen.glance(NAME, 3, 2)).is_paused is False


async def test_one_look_tells_how_far_each_partition_has_come_and_what_was_told(
    store: Store,
) -> None:
    async with projecting(store, partition=2) as one:
        looked = one.session.checkpoints.reached
        assert await looked(NAME, GENERATION, PARTITIONS) == [(0, "0-0")] * PARTITIONS
        await one.apply(put(3, "r", n="1"), upto=5)
        await one.apply(upto=9)
        assert await looked(NAME, GENERATION, PARTITIONS) == [
            (0, "0-0"), (0, "0-0"), (9, "5-0"), (0, "0-0"),
        ]  # fmt: skip
