"""Ids from the future: who set them goes to the dead letters, who stood behind them goes on."""

import pytest

from engine.core.errors import Fenced, Refused
from engine.core.ids import CLOCK_LIMIT_MS, stream_ms, stream_order
from tests.contract.mending import FAR, SECOND, TOP, mending
from tests.contract.stores import Store


async def test_the_intruder_dies_and_who_stood_behind_it_goes_on(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        before = mend.add("before")
        intruder = mend.add("intruder", f"{FAR}-7")
        behind = [mend.add(f"behind-{n}") for n in range(3)]
        assert [stream_ms(id) for id in behind] == [FAR] * 3
        assert await mend() == ([intruder], 3)
        assert mend.names() == ["before", "behind-0", "behind-1", "behind-2"]
        assert mend.ids()[0] == before
        mend.add("after")
        assert mend.names()[-1] == "after"
        soon = store.now_ms() + CLOCK_LIMIT_MS
        assert all(stream_ms(id) <= soon for id in mend.ids())
        [letter] = mend.letters()
        assert (letter["source"], letter["entry"]) == (mend.source.encode(), intruder.encode())
        assert (letter["id"], letter["type"]) == (b"intruder", b"T")
        assert letter["error"]["code"] == "future_id"


async def test_each_time_has_its_own_intruder(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        for ms in (FAR, FAR + 5, FAR + 6):
            mend.add(f"intruder-{ms}", f"{ms}-0")
            mend.add(f"behind-{ms}")
        times = (FAR, FAR + 5, FAR + 6)
        assert await mend() == ([f"{ms}-0" for ms in times], 3)
        assert mend.names() == [f"behind-{ms}" for ms in times]
        assert [one["entry"].decode() for one in mend.letters()] == [f"{ms}-0" for ms in times]


@pytest.mark.parametrize("behind", [0, 1, 3])
async def test_an_intruder_that_leaves_no_room(store: Store, about: str, behind: int) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        first = mend.add("first")
        intruder = mend.add("intruder", f"{TOP}-{TOP - behind}")
        for n in range(behind):
            mend.add(f"behind-{n}")
        with pytest.raises(Exception, match=r"exhausted|last id"):
            mend.add("nobody")
        assert await mend(first) == ([intruder], behind)
        assert mend.names() == ["first", *(f"behind-{n}" for n in range(behind))]
        mend.add("after")
        assert mend.names()[-1] == "after"


async def test_where_a_time_is_full_redis_goes_on_in_the_next(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        intruder = mend.add("intruder", f"{FAR}-{TOP - 1}")
        assert [mend.add("a"), mend.add("b"), mend.add("c")] == [
            f"{FAR}-{TOP}", f"{FAR + 1}-0", f"{FAR + 1}-1",
        ]  # fmt: skip
        assert await mend() == ([intruder], 3)
        assert mend.names() == ["a", "b", "c"]


@pytest.mark.parametrize("kept", [["done"], []])
async def test_what_comes_later_sorts_behind_what_is_done(
    store: Store, about: str, kept: list[str]
) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        done = f"{store.now_ms() + CLOCK_LIMIT_MS // 2}-5"
        for name in kept:
            mend.add(name, done)
        mend.add("intruder", f"{FAR}-0")
        mend.add("behind")
        await mend(done)
        later = mend.add("later")
        assert mend.names() == [*kept, "behind", "later"]
        ms = stream_ms(done)
        assert (mend.ids()[-2], later) == (f"{ms}-6", f"{ms}-7")


async def test_a_survivor_beyond_what_is_done_keeps_its_place(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        skewed = mend.add("skewed", f"{store.now_ms() + CLOCK_LIMIT_MS // 2}-0")
        mend.add("intruder", f"{FAR}-0")
        mend.add("behind")
        await mend("5-0")
        assert mend.names() == ["skewed", "behind"]
        assert stream_order(mend.ids()[1]) > stream_order(skewed)


async def test_the_lowest_id_there_is_may_stand_before_it(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("lowest", "0-1")
        mend.add("intruder", f"{FAR}-0")
        mend.add("behind")
        assert await mend() == ([f"{FAR}-0"], 1)
        assert mend.names() == ["lowest", "behind"]


async def test_a_small_skew_is_nobodys_fault(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("now")
        mend.add("ahead", f"{store.now_ms() + CLOCK_LIMIT_MS - 5 * SECOND}-0")
        mend.add("behind")
        before = store.dump()
        assert await mend() == ([], 0)
        assert store.dump() == before
        beyond = mend.add("beyond", f"{store.now_ms() + CLOCK_LIMIT_MS + 5 * SECOND}-0")
        assert await mend() == ([beyond], 0)
        assert mend.names() == ["now", "ahead", "behind"]


async def test_what_is_done_is_no_future(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("done", f"{FAR}-0")
        mend.add("next")
        before = store.dump()
        assert await mend(f"{FAR}-0") == ([], 0)
        assert store.dump() == before
        later = mend.add("later", f"{FAR + 1}-0")
        assert await mend(f"{FAR}-0") == ([later], 0)
        assert mend.names() == ["done", "next"]


async def test_there_may_be_nothing_to_mend(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        before = store.dump()
        assert await mend() == ([], 0)
        assert store.dump() == before


async def test_many_are_mended_in_one_step(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        count = 300
        for n in range(count):
            mend.add("intruder", f"{FAR + n}-0")
            mend.add(f"behind-{n}")
        moved, again = await mend()
        assert (len(moved), again) == (count, count)
        assert mend.names() == [f"behind-{n}" for n in range(count)]
        assert len(mend.letters()) == count


async def test_who_does_not_hold_the_lease_mends_nothing(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session, token="token-b")
        mend.add("intruder", f"{FAR}-0")
        before = store.dump()
        with pytest.raises(Fenced):
            await mend()
        assert store.dump() == before


@pytest.mark.parametrize("key", ["stream", "dead"])
async def test_on_a_key_of_the_wrong_kind_nothing_is_written(
    store: Store, about: str, key: str
) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("intruder", f"{FAR}-0")
        planted = mend.key if key == "stream" else mend.dead
        store.remove(planted)
        store.plant(planted)
        before = store.dump()
        with pytest.raises(Refused):
            await mend()
        assert store.dump() == before
