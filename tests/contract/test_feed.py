"""Feeds: every entry once and in order, and whoever waits is woken at once."""

import anyio
import pytest

from engine.core.ids import stream_order
from engine.core.ports import Subscription
from engine.core.records import Entry
from engine.store.reader import AHEAD_LIMIT, BLOCK_MS
from tests.contract.owners import own
from tests.contract.stores import Store
from tests.eventually import eventually

AT_ONCE = BLOCK_MS / 2000
"""Half of what a blocked read lasts by itself: less means that somebody was woken."""


async def taken(subscription: Subscription, count: int) -> list[str]:
    """The ids of the next entries, as many as asked for or a few more."""
    ids: list[str] = []
    with anyio.fail_after(5):
        while len(ids) < count:
            ids += [entry.id for entry in await subscription.take() or ()]
    return ids


def add(store: Store, key: str, *ids: str) -> None:
    for id in ids:
        store.add(key, {"n": id}, id)


async def test_entries_come_in_order_from_behind_an_id(store: Store) -> None:
    async with store.session() as session:
        key = session.commands_key(0)
        add(store, key, "1-0", "1-1", "2-0", "10-0")
        subscription = (await session.feed()).subscribe(key, "1-0")
        assert await taken(subscription, 3) == ["1-1", "2-0", "10-0"]
        add(store, key, "10-1")
        assert await taken(subscription, 1) == ["10-1"]


async def test_an_entry_is_bytes_as_they_were_sent(store: Store) -> None:
    async with store.session() as session:
        key = session.commands_key(0)
        store.add(key, {"id": b"\xff\x00", "type": "T"}, "7-3")
        subscription = (await session.feed()).subscribe(key, "0-0")
        assert await subscription.take() == [Entry("7-3", {b"id": b"\xff\x00", b"type": b"T"})]


async def test_who_waits_so_long_gets_nothing_or_what_comes(store: Store) -> None:
    async with store.session() as session:
        key = session.commands_key(0)
        subscription = (await session.feed()).subscribe(key, "0-0")
        assert await subscription.take(0.05) == []
        add(store, key, "1-0")
        assert [entry.id for entry in await subscription.take(5) or ()] == ["1-0"]
        assert await subscription.take(0) == []


async def test_who_waits_is_woken_by_what_comes(store: Store) -> None:
    async with store.session() as session:
        key = session.commands_key(0)
        subscription = (await session.feed()).subscribe(key, "0-0")
        async with anyio.create_task_group() as tasks:

            async def reader() -> None:
                with anyio.fail_after(AT_ONCE):
                    assert await taken(subscription, 1) == ["1-0"]

            tasks.start_soon(reader)
            await anyio.lowlevel.checkpoint()
            add(store, key, "1-0")


async def test_a_stream_added_while_a_read_is_blocked_is_read_at_once(store: Store) -> None:
    async with store.session() as session:
        feed = await session.feed()
        add(store, session.commands_key(0), "1-0")
        add(store, session.commands_key(1), "1-0", "2-0")
        first = feed.subscribe(session.commands_key(0), "0-0")
        assert await taken(first, 1) == ["1-0"]
        with anyio.fail_after(AT_ONCE):
            second = feed.subscribe(session.commands_key(1), "0-0")
            assert await taken(second, 2) == ["1-0", "2-0"]


async def test_each_subscriber_gets_its_own_stream(store: Store) -> None:
    async with store.session() as session:
        feed = await session.feed()
        keys = [session.commands_key(n) for n in range(3)]
        for n, key in enumerate(keys):
            add(store, key, f"{n + 1}-0")
        subscriptions = [feed.subscribe(key, "0-0") for key in keys]
        assert [await taken(one, 1) for one in subscriptions] == [["1-0"], ["2-0"], ["3-0"]]


@pytest.mark.parametrize("after", ["0-0", "2-0"])
async def test_a_rewound_subscription_reads_again(store: Store, after: str) -> None:
    async with store.session() as session:
        key = session.commands_key(0)
        add(store, key, "1-0", "2-0", "3-0")
        subscription = (await session.feed()).subscribe(key, "0-0")
        everything = await taken(subscription, 3)
        with anyio.fail_after(AT_ONCE):
            subscription.rewind(after)
            again = everything[everything.index(after) + 1 if after in everything else 0 :]
            assert await taken(subscription, len(again)) == again


@pytest.mark.parametrize("seconds", [None, 5])
async def test_a_closed_subscription_ends(store: Store, seconds: float | None) -> None:
    async with store.session() as session:
        key = session.commands_key(0)
        add(store, key, "1-0")
        subscription = (await session.feed()).subscribe(key, "0-0")
        assert await taken(subscription, 1) == ["1-0"]
        async with anyio.create_task_group() as tasks:

            async def reader() -> None:
                with anyio.fail_after(AT_ONCE):
                    assert await subscription.take(seconds) is None

            tasks.start_soon(reader)
            await anyio.lowlevel.checkpoint()
            subscription.close()
        add(store, key, "2-0")
        assert await subscription.take(seconds) is None


async def test_the_same_stream_can_be_subscribed_to_again(store: Store) -> None:
    async with store.session() as session:
        key, feed = session.commands_key(0), await session.feed()
        add(store, key, "1-0", "2-0")
        first = feed.subscribe(key, "0-0")
        assert await taken(first, 2) == ["1-0", "2-0"]
        first.close()
        assert await taken(feed.subscribe(key, "1-0"), 1) == ["2-0"]


async def test_nothing_is_lost_when_more_comes_than_is_read_ahead(store: Store) -> None:
    count = AHEAD_LIMIT * 2 + 10
    async with store.session() as session:
        owner = await own(session)
        subscription = (await session.logs("things", 1)).subscribe(session.log_key(0), "")
        await owner.write_events(count)
        assert await taken(subscription, count) == [f"{n}-0" for n in range(1, count + 1)]


async def test_a_group_is_read_ahead_by_a_bounded_number(store: Store) -> None:
    async with store.session() as session, store.session() as other:
        owner = await own(session)
        await owner.write_events(AHEAD_LIMIT * 3)
        lazy = (await session.logs("things", 1)).subscribe(session.log_key(0), "")
        assert (await taken(lazy, 1))[0] == "1-0"
        await anyio.wait_all_tasks_blocked()
        eager = (await other.logs("things", 1)).subscribe(session.log_key(0), "")
        first = int((await taken(eager, 1))[0].partition("-")[0])
        assert 1 < first <= AHEAD_LIMIT * 2 + 1


async def test_a_group_gives_out_each_entry_once(store: Store) -> None:
    async with store.session() as session, store.session() as other:
        owner = await own(session)
        await owner.write_events(3)
        one = (await session.logs("things", 1)).subscribe(session.log_key(0), "")
        assert await taken(one, 3) == ["1-0", "2-0", "3-0"]
        two = (await other.logs("things", 1)).subscribe(session.log_key(0), "")
        given: list[str] = []
        async with anyio.create_task_group() as tasks:

            async def reader(subscription: Subscription) -> None:
                while True:
                    given.extend(entry.id for entry in await subscription.take() or ())

            tasks.start_soon(reader, one)
            tasks.start_soon(reader, two)
            for _ in range(5):
                await owner.write_events(2)
            await eventually(lambda: len(given) >= 10, "every event was given to somebody")
            tasks.cancel_scope.cancel()
        assert sorted(given, key=stream_order) == [f"{n}-0" for n in range(4, 14)]


async def test_who_follows_a_reader_sets_the_group_and_misses_nothing(store: Store) -> None:
    skip_on_fakeredis(store)
    async with store.session() as session:
        owner = await own(session)
        await owner.write_events(3)
        feed = await session.logs("things", 1)
        one = feed.subscribe(session.log_key(0), "")
        await taken(one, 3)
        one.close()
        await owner.write_events(2)
        two = feed.subscribe(session.log_key(0), "")
        two.rewind("")
        await session.log("things", 1, (), 0, "no token").seek(1)
        assert await taken(two, 4) == ["2-0", "3-0", "4-0", "5-0"]


def skip_on_fakeredis(store: Store) -> None:
    if store.name == "fakeredis":
        pytest.skip("fakeredis answers a blocked read when its group is set; servers do not")


async def test_a_group_that_is_set_back_is_read_again(store: Store) -> None:
    skip_on_fakeredis(store)
    async with store.session() as session:
        owner = await own(session)
        await owner.write_events(4)
        subscription = (await session.logs("things", 1)).subscribe(session.log_key(0), "")
        assert await taken(subscription, 4) == ["1-0", "2-0", "3-0", "4-0"]
        with anyio.fail_after(AT_ONCE):
            await session.log("things", 1, (), 0, "no token").seek(2)
            subscription.rewind("")
            assert await taken(subscription, 2) == ["3-0", "4-0"]


async def test_what_is_read_again_begins_where_the_group_was_set(store: Store) -> None:
    skip_on_fakeredis(store)
    async with store.session() as session:
        owner, other = await own(session), await own(session, 1)
        feed = await session.logs("things", 1)
        subscription = feed.subscribe(session.log_key(0), "")
        another = feed.subscribe(session.log_key(1), "")
        await owner.write_events(4)
        await taken(subscription, 4)
        with anyio.fail_after(AT_ONCE):
            await subscription.hold()
            await session.log("things", 1, (), 0, "no token").seek(2)
            await other.write_events(1)
            # A read has been answered since the group was set: it must have left this one out.
            assert await taken(another, 1) == ["1-0"]
            subscription.rewind("")
            assert await taken(subscription, 2) == ["3-0", "4-0"]


async def test_generations_read_independently(store: Store) -> None:
    async with store.session() as session:
        owner = await own(session)
        await owner.write_events(2)
        for projection, generation in (("things", 1), ("things", 2), ("others", 1)):
            feed = await session.logs(projection, generation)
            one = feed.subscribe(session.log_key(0), "")
            assert await taken(one, 2) == ["1-0", "2-0"]


async def test_a_feed_is_the_same_at_every_call(store: Store) -> None:
    async with store.session() as session:
        assert await session.feed() is await session.feed()
