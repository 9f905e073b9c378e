"""How a generation stands in a partition: read in one step, told truly, hidden by nothing."""

from typing import Any

import pytest

from engine.core.errors import Fenced
from engine.core.parking import RETRY, Ask, Fault, Note, written
from engine.core.records import Checkpoint
from engine.core.standing import Group, Reading
from tests.contract.owners import META, expire, happened, own, record
from tests.contract.projecting import GENERATION, NAME, Projecting, project, put
from tests.contract.stores import PARTITIONS, RedisStore, Store

GROUP = f"{NAME}@{GENERATION}"


async def written_log(store: Store, session: Any, events: int = 5) -> Projecting:
    """Events of two aggregates in partition 0, and whoever projects them."""
    owner = await own(session)
    await owner.write_events(events, ["order-1", "order-2"])
    await session.logs(NAME, GENERATION)
    return await project(store, session)


async def seen(session: Any, partition: int = 0, *, closely: bool = True) -> Reading:
    [found] = await session.readings.look(NAME, GENERATION, [partition], closely=closely)
    assert isinstance(found, Reading)
    assert found.partition == partition
    return found


def note(position: int) -> str:
    return written(Note(position, "Happened", Fault("KeyError", "a bug", "Traceback"), 4, 1))


async def test_nothing_is_read_where_nothing_is(store: Store) -> None:
    async with store.session() as session:
        for partition in range(PARTITIONS):
            found = await seen(session, partition)
            assert (found.position, found.head, found.next, found.since_ms) == (0, 0, 0, 0)
            assert (found.lease.node, dict(found.parked), found.group) == ("", {}, None)
            assert found.fault == ""


async def test_what_waits_is_seen_with_its_age_and_its_owner(store: Store) -> None:
    async with store.session() as session:
        one = await written_log(store, session)
        found = await seen(session)
        assert (found.position, found.head, found.next) == (0, 5, 1)
        assert found.since_ms == 1  # the command of META came as 1-0
        assert (found.lease.node, found.lease.token) == ("worker", "token-p")
        await one.apply(put(3, "r", a="1"))
        found = await seen(session)
        assert (found.position, found.head, found.next) == (3, 5, 4)
        await one.apply(put(5, "r", a="2"))
        found = await seen(session)
        assert (found.position, found.head, found.next, found.since_ms) == (5, 5, 0, 0)
        expire(store, one.session.projection_lease(NAME, GENERATION, 0))
        assert (await seen(session)).lease.node == ""


async def test_an_event_that_the_log_has_lost_is_not_taken_for_the_next_one(store: Store) -> None:
    async with store.session() as session:
        one = await written_log(store, session)
        await one.apply(upto=2)
        store.delete(store.keys.log(0), "3-0")
        assert (await seen(session)).next == 4
        store.delete(store.keys.log(0), "4-0")
        store.delete(store.keys.log(0), "5-0")
        found = await seen(session)
        assert (found.position, found.head, found.next, found.since_ms) == (2, 5, 0, 0)


async def test_what_the_log_has_beyond_head_is_nobodys_next_event(store: Store) -> None:
    async with store.session() as session:
        one = await written_log(store, session)
        await one.apply(upto=5)
        entry = {"aggregate": "order-1", "version": "9", "type": "T", "data": "{}", "meta": "{}"}
        store.add(store.keys.log(0), entry, "6-0")
        found = await seen(session)
        assert (found.head, found.next) == (5, 0)


async def test_a_checkpoint_beyond_the_log_is_told_as_it_is(store: Store) -> None:
    async with store.session() as session:
        one = await written_log(store, session)
        await one.apply(upto=7)
        found = await seen(session)
        assert (found.position, found.head, found.next) == (7, 5, 0)


async def test_what_redis_says_of_the_group_stands_beside(store: Store) -> None:
    async with store.session() as session:
        one = await written_log(store, session)
        await one.log.seek(0)
        assert (await seen(session)).group == Group(0, 5, 0)
        await one.log.seek(3)
        found = await seen(session)
        assert (found.position, found.group) == (0, Group(3, 2, 0))
        assert (await seen(session, closely=False)).group is None
        # That of another generation, or of a namesake, is another one.
        await session.logs("thing", GENERATION)
        assert (await seen(session)).group == Group(3, 2, 0)


async def test_a_stranger_who_reads_with_the_group_leaves_traces(redis_store: RedisStore) -> None:
    async with redis_store.session() as session:
        one = await written_log(redis_store, session)
        await one.log.seek(3)
        key = redis_store.keys.log(0)
        assert redis_store.redis.xreadgroup(GROUP, "stranger", {key: ">"}, count=1)
        group = (await seen(session)).group
        assert group is not None
        assert (group.read, group.lag, group.pending) == (4, 1, 1)


async def test_parked_aggregates_are_told_with_the_events_that_wait_behind_them(
    store: Store,
) -> None:
    async with store.session() as session:
        one = await written_log(store, session, 7)  # order-1: 1 3 5 7, order-2: 2 4 6
        notes = {"order-1": note(3), "order-2": note(6)}
        await one.log.apply(0, Checkpoint(7, "7-0", "b"), (), notes)
        assert await one.session.parked.ask(  # type: ignore[attr-defined]
            NAME, GENERATION, 0, Ask(RETRY, "order-1", "a1")
        )
        found = await seen(session)
        assert (dict(found.parked), found.passed_over) == ({"order-1": 3, "order-2": 6}, 4)
        assert found.passed_ms == 1
        quick = await seen(session, closely=False)
        assert (dict(quick.parked), quick.passed_over, quick.passed_ms) == (
            {"order-1": 3, "order-2": 6}, 0, 0,
        )  # fmt: skip


@pytest.mark.parametrize("place", ["head", "projection", "parked", "log"])
async def test_what_somebody_planted_is_a_fault_of_one_partition(store: Store, place: str) -> None:
    async with store.session() as session:
        await written_log(store, session)
        await own(session, 1)
        key = getattr(store.keys, place)
        store.plant(key(0, NAME, GENERATION) if place in ("projection", "parked") else key(0))
        broken, sound = await session.readings.look(NAME, GENERATION, [0, 1])
        assert "WRONGTYPE" in broken.fault
        assert (broken.lease.node, sound.fault) == ("", "")


@pytest.mark.parametrize(("place", "field"), [("head", "position"), ("projection", "until")])
async def test_what_is_no_number_is_a_fault_too(store: Store, place: str, field: str) -> None:
    async with store.session() as session:
        await written_log(store, session)
        keys = store.keys
        store.write(
            keys.head(0) if place == "head" else keys.projection(0, NAME, GENERATION), {field: "x"}
        )
        assert (await seen(session)).fault


async def test_an_event_whose_meta_cannot_be_read_has_no_age(store: Store) -> None:
    async with store.session() as session:
        owner = await own(session)
        odd = happened()
        assert odd.meta == META
        await owner.write(record("1-0", "order-1", type(odd)(odd.type, odd.data, b"junk")))
        found = await seen(session)
        assert (found.head, found.next, found.since_ms, found.fault) == (1, 1, 0, "")


async def test_alarms_are_noted_by_the_one_who_watches(store: Store) -> None:
    async with store.session() as session:
        assert await session.leases.acquire(session.watch_lease(), "node", "token-w", 30)
        assert await session.alarms.read() == {}
        await session.alarms.note("token-w", {"orders@1 behind": "{}", "orders@1 parked": "[]"})
        assert await session.alarms.read() == {"orders@1 behind": "{}", "orders@1 parked": "[]"}
        with pytest.raises(Fenced):
            await session.alarms.note("token-v", {"orders@1 behind": "", "x": "y"})
        await session.alarms.note("token-w", {"orders@1 behind": "", "orders@1 parked": "{}"})
        assert await session.alarms.read() == {"orders@1 parked": "{}"}
        await session.alarms.note("token-w", {"orders@1 parked": "", "never there": ""})
        assert store.keys.alarms() not in store.dump()
