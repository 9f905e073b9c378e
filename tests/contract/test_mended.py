"""What a mended stream is afterwards, and what a hostile id may not spoil beside it."""

from typing import Any

import pytest

from engine.core.errors import Refused
from engine.core.ids import stream_order
from tests.contract.mending import FAR, SECOND, TOP, Mending, mending
from tests.contract.owners import TOKEN, owned, record
from tests.contract.stores import RedisStore, Store


async def test_a_mended_partition_commits_as_before(store: Store) -> None:
    async with owned(store, 1) as owner:
        key = store.keys.commands(1)
        first = store.add(key, {"id": "a"})
        await owner.write(record(first))
        store.add(key, {"id": "intruder"}, f"{FAR}-0")
        store.add(key, {"id": "b"})
        await owner.ledger.mend(first)
        second = store.dump()[key][0][1][0]
        await owner.write(record(second))
        await owner.ledger.trim(second, second, second)
        assert [id for id, _ in store.dump()[key][0]] == [second]
        assert (await owner.ledger.open()).command == second


async def test_commands_from_inside_go_in_wholly_or_not_at_all(store: Store) -> None:
    entry = {"id": b"a", "type": b"T", "aggregate": b"a-1", "data": b"", "meta": b""}
    async with store.session() as session:
        key = store.keys.commands(1)
        store.add(key, {"id": "intruder"}, f"{TOP}-{TOP - 1}")
        with pytest.raises(Refused):
            await session.inbox().submit(1, "0-0", "7-0", [entry, entry])
        assert [id for id, _ in store.dump()[key][0]] == [f"{TOP}-{TOP - 1}"]
        assert store.keys.sources(1) not in store.dump()


async def test_the_inbox_has_reached_what_stands_for_a_command(store: Store) -> None:
    async with store.session() as session:
        inbox = session.inbox()
        assert await inbox.reached(session.partitions) == "0-0"
        await inbox.submit(3, "0-0", "10-2", [])
        assert await inbox.reached(session.partitions) == "10-2"
        await session.leases.acquire(session.inbox_lease(), "node", TOKEN, 30)
        await inbox.forward([("9-0", 0, "")], TOKEN)
        assert await inbox.reached(session.partitions) == "10-2"
        await inbox.forward([("10-10", 0, "")], TOKEN)
        assert await inbox.reached(session.partitions) == "10-10"


async def test_every_clock_is_the_servers(store: Store) -> None:
    async with store.session() as session:
        for clock in (session.now_ms, session.inbox().now_ms, session.ledger(0, TOKEN).now_ms):
            assert abs(await clock() - store.now_ms()) < 2 * SECOND


async def test_a_stream_that_is_mended_has_no_groups_harmed(redis_store: RedisStore) -> None:
    """Nobody of ours reads these streams through a group; somebody else may."""
    async with redis_store.session() as session:
        mend = await mending(redis_store, "commands", session)
        mend.add("before")
        redis_store.redis.xgroup_create(mend.key, "strangers", "0")
        mend.add("intruder", f"{FAR}-0")
        mend.add("behind")
        await mend()
        [[_, read]] = redis_store.redis.xreadgroup("strangers", "one", {mend.key: ">"})
        assert [fields[b"id"] for _, fields in read] == [b"before", b"behind"]


@pytest.mark.parametrize("before", [1, 100, 250])
async def test_a_mended_stream_is_a_stream_like_any_other(store: Store, before: int) -> None:
    """Redis keeps a hundred entries in a node, and what was deleted among them."""
    behind = 150
    async with store.session() as session:
        mend = await mending(store, "commands", session)
        names = [f"before-{n}" for n in range(before)]
        for name in names:
            mend.add(name)
        for time in ("first", "second"):
            kept = mend.ids()
            mend.add("intruder", f"{FAR}-0")
            added = [f"{time}-{n}" for n in range(behind)]
            for name in added:
                mend.add(name)
            names += added
            assert await mend() == ([f"{FAR}-0"], behind)
            assert (mend.names(), mend.ids()[: len(kept)]) == (names, kept)
        ids = mend.ids()
        assert ids == sorted(ids, key=stream_order)
        await check_reading(mend, session, ids)
        for middle in (before // 2, before, before + behind // 2):
            store.trim(mend.key, ids[middle])
            assert mend.ids() == ids[middle:]


async def check_reading(mend: Mending, session: Any, ids: list[str]) -> None:
    """Whoever reads, from wherever, finds all that is behind."""
    for at in range(0, len(ids), 7):
        subscription = (await session.feed()).subscribe(mend.key, ids[at])
        read: list[str] = []
        while len(read) < len(ids) - at - 1:
            read += [entry.id for entry in await subscription.take()]
        subscription.close()
        assert read == ids[at + 1 :]
