"""Generations on every store: revised by comparison, flipped in one step, removed without trace."""

import anyio

from engine.core.generations import Generations
from engine.core.ports import Session
from engine.core.ports.building import Flip
from engine.core.records import Checkpoint
from tests.contract.projecting import INDEXES, NAME, put
from tests.contract.stores import PARTITIONS, Store

FIRST = Generations().adopted("code")
BUILDING = FIRST.begun("code", 1000)


async def build(session: Session, generation: int, partition: int, upto: int, *rows: str) -> None:
    """Have a generation reach a position of a partition, with rows of one owner."""
    key = session.projection_lease(NAME, generation, partition)
    token = f"token-{generation}-{partition}"
    assert await session.leases.acquire(key, "worker", token, 30)
    log = session.log(NAME, generation, INDEXES, partition, token)
    before = (await session.builds.positions(NAME, generation))[partition]
    changes = [put(upto, row, owner="ann", colour="red", rank="1") for row in rows]
    await log.apply(before, Checkpoint(upto, f"{upto}-7", "branch-a"), changes)
    await session.leases.release(key, token)


def heads(store: Store, position: int) -> None:
    """Have every log reach a position."""
    for partition in range(PARTITIONS):
        store.write(store.keys.head(partition), {"position": str(position)})


async def test_what_is_said_is_changed_by_who_read_it_last(store: Store) -> None:
    async with store.session() as session:
        builds = session.builds
        assert await builds.read(NAME) == Generations()
        assert await builds.revise(NAME, FIRST)
        assert await builds.read(NAME) == FIRST
        assert not await builds.revise(NAME, Generations().adopted("other"))
        assert await builds.revise(NAME, BUILDING)
        assert not await builds.revise(NAME, FIRST.paused())
        assert await builds.read(NAME) == BUILDING


async def test_projections_that_were_served_are_known_by_name(store: Store) -> None:
    async with store.session() as session:
        assert await session.builds.projections() == []
        for name, generation in (("stock", 1), ("orders", 1), ("orders", 2)):
            await session.logs(name, generation)
        assert await session.builds.projections() == ["orders", "stock"]


async def test_what_is_empty_leaves_no_field(store: Store) -> None:
    async with store.session() as session:
        await session.builds.revise(NAME, FIRST)
        await session.builds.revise(NAME, BUILDING)
        await session.builds.revise(NAME, BUILDING.cancelled())
        await session.builds.revise(NAME, BUILDING.cancelled().removed(2))
        said = store.dump()[store.keys.live(NAME)]
        assert said.keys() == {"revision", "live", "digest", "last", "since_ms", "max_load"}


async def test_a_live_generation_set_by_hand_is_gone_on_from(store: Store) -> None:
    async with store.session() as session:
        store.write(store.keys.live(NAME), {"live": "4"})
        found = await session.builds.read(NAME)
        assert await session.builds.revise(NAME, found.adopted("code"))
        assert await session.rows.live(NAME) == 4


async def test_a_build_is_flipped_when_it_is_behind_nowhere(store: Store) -> None:
    async with store.session() as session:
        await session.builds.revise(NAME, FIRST)
        await session.builds.revise(NAME, BUILDING)
        heads(store, 9)
        await build(session, 1, 0, 3)
        await build(session, 1, 2, 5)
        flipped = BUILDING.flipped(2000)
        assert await session.builds.flip(NAME, flipped) == Flip(False, 2, 0)
        await build(session, 2, 0, 3)
        await build(session, 2, 2, 4)
        assert await session.builds.flip(NAME, flipped) == Flip(False, 1, 0)
        assert await session.rows.live(NAME) == 1
        await build(session, 2, 2, 7)
        assert await session.builds.flip(NAME, flipped) == Flip(True, 0, 0)
        assert await session.builds.read(NAME) == flipped
        assert await session.rows.live(NAME) == 2


async def test_where_the_live_one_stood_a_moment_ago_may_do(store: Store) -> None:
    async with store.session() as session:
        await session.builds.revise(NAME, FIRST)
        await session.builds.revise(NAME, BUILDING)
        heads(store, 9)
        await build(session, 1, 3, 7)
        await build(session, 2, 3, 6)
        flipped = BUILDING.flipped(2000)
        assert await session.builds.flip(NAME, flipped) == Flip(False, 1, 0)
        assert await session.builds.flip(NAME, flipped, [0, 0, 0, 7]) == Flip(False, 1, 0)
        assert await session.builds.flip(NAME, flipped, [0, 0, 0, 6]) == Flip(True, 0, 0)


async def test_nothing_is_flipped_that_somebody_has_changed(store: Store) -> None:
    async with store.session() as session:
        await session.builds.revise(NAME, FIRST)
        await session.builds.revise(NAME, BUILDING)
        await session.builds.revise(NAME, BUILDING.cancelled())
        assert await session.builds.flip(NAME, BUILDING.flipped(2000)) == Flip(False, 0, 0)
        assert await session.builds.read(NAME) == BUILDING.cancelled()


async def test_a_build_that_passes_over_aggregates_waits_until_they_are_accepted(
    store: Store,
) -> None:
    async with store.session() as session:
        await session.builds.revise(NAME, FIRST)
        await session.builds.revise(NAME, BUILDING)
        notes = {"order-1": "{}", "order-2": "{}", "retry order-1": "ask-1"}
        store.write(store.keys.parked(3, NAME, 2), notes)
        assert await session.builds.flip(NAME, BUILDING.flipped(1)) == Flip(False, 0, 2)
        accepting = BUILDING.accepting_parked()
        await session.builds.revise(NAME, accepting)
        assert await session.builds.flip(NAME, accepting.flipped(1)) == Flip(True, 0, 2)


async def test_nobody_must_reach_what_was_lost(store: Store) -> None:
    async with store.session() as session:
        await session.builds.revise(NAME, FIRST)
        await session.builds.revise(NAME, BUILDING)
        heads(store, 4)
        await build(session, 1, 0, 9)
        await build(session, 2, 0, 4)
        assert (await session.builds.flip(NAME, BUILDING.flipped(1))).done


async def test_positions_and_heads_are_those_of_each_partition(store: Store) -> None:
    async with store.session() as session:
        await build(session, 1, 2, 5)
        store.write(store.keys.head(1), {"position": "8"})
        assert await session.builds.positions(NAME, 1) == [0, 0, 5, 0]
        assert await session.builds.heads() == [0, 8, 0, 0]


async def test_rows_of_two_generations_come_in_pairs(store: Store) -> None:
    async with store.session() as session:
        await build(session, 1, 0, 3, "a", "b")
        await build(session, 2, 0, 3, "b", "c:d@1:*")
        pages = [page async for page in session.builds.pairs(NAME, 2, 1)]
        pairs = {pair.row: pair for page in pages for pair in page}
        assert pairs.keys() == {"a", "b", "c:d@1:*"}
        assert (pairs["a"].live, pairs["c:d@1:*"].previous) == ({}, {})
        assert pairs["b"].live == pairs["b"].previous
        assert pairs["b"].live["_at:0"] == "3"
        again = await session.builds.paired(NAME, 2, 1, ["a", "b", "nothing"])
        assert [*again] == [pairs["a"], pairs["b"], ("nothing", {}, {})]


async def test_a_generation_goes_without_a_trace_and_no_other_is_touched(store: Store) -> None:
    async with store.session() as session:
        await session.logs(NAME, 1)
        heads(store, 3)
        await build(session, 1, 0, 3, "a", f"x:{NAME}@2:y")
        before = store.dump()
        feed = await session.logs(NAME, 2)
        await build(session, 2, 0, 3, "a", "b", "c")
        await build(session, 2, 3, 3)
        store.write(store.keys.parked(3, NAME, 2), {"order-1": "{}"})
        feed.retire()
        assert store.dump() != before
        removed = [count async for count in session.builds.erase(NAME, 2)]
        assert sum(removed) >= 5
        assert store.dump() == before
        async for _ in session.builds.erase(NAME, 2):
            assert store.dump() == before
        assert store.dump() == before


async def test_a_feed_that_is_used_no_more_serves_the_next_generation(store: Store) -> None:
    async with store.session() as session:
        first = await session.logs(NAME, 1)
        reader = first.subscribe(session.log_key(0), "")
        first.retire()
        second = await session.logs(NAME, 2)
        third = second.subscribe(session.log_key(0), "")
        reader.close()
        fields = {"aggregate": "a-1", "version": "1", "type": "T", "data": "{}", "meta": "{}"}
        store.add(store.keys.log(0), fields, "1-0")
        with anyio.fail_after(5):
            assert [entry.id for entry in await third.take() or ()] == ["1-0"]
        fourth = (await session.logs(NAME, 3)).subscribe(session.log_key(0), "")
        with anyio.fail_after(5):
            assert [entry.id for entry in await fourth.take() or ()] == ["1-0"]


async def test_a_group_that_goes_while_nobody_reads_through_it_breaks_nothing(
    store: Store,
) -> None:
    async with store.session() as session:
        feed = await session.logs(NAME, 1)
        reader = feed.subscribe(session.log_key(0), "")
        with anyio.move_on_after(0.05):
            await reader.take()  # a read is under way
        reader.close()
        feed.retire()
        assert [count async for count in session.builds.erase(NAME, 1)]
        again = (await session.logs(NAME, 2)).subscribe(session.log_key(0), "")
        store.add(store.keys.log(0), {"aggregate": "a-1"}, "1-0")
        with anyio.fail_after(5):
            assert [entry.id for entry in await again.take() or ()] == ["1-0"]
