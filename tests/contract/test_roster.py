"""The roster: who is there, what each says of itself, and the news among them."""

from engine.core.records import Member
from engine.store.roster import AHEAD_MS, DRAIN_MS
from tests.contract.stores import Store

ABOUT = {"role": "engine", "state": "serving", "serves": "partitions inbox"}


async def test_a_process_says_that_it_lives_until_it_ends(store: Store) -> None:
    nodes, node = store.keys.nodes(), store.keys.node("n-1")
    async with store.session() as session:
        await session.roster.beat("n-1", {"role": "engine", "leases": "3"}, 2)
        await session.roster.beat("n-1", {"role": "engine", "leases": "4"}, 2)
        dump = store.dump()
        said = dict(dump[node])
        assert abs(int(said.pop("beat")) - store.now_ms()) < 2000
        assert said == {"role": "engine", "leases": "4"}
        [(name, at)] = dump[nodes]
        assert name == "n-1"
        assert abs(at - store.now_ms()) < 2000
        assert 0 < store.lifetime_ms(node) <= 2000
        await session.roster.farewell("n-1")
        assert not {nodes, node} & store.dump().keys()


async def test_everybody_sees_who_is_there(store: Store) -> None:
    async with store.session() as session, store.session() as other:
        await session.roster.beat("n-1", ABOUT, 30)
        await other.roster.beat("n-2", ABOUT | {"state": "draining"}, 30)
        members = await other.roster.members(30)
        assert set(members) == {"n-1", "n-2"}
        assert members["n-1"].about == ABOUT
        assert 0 <= members["n-1"].silent_ms < 2000
        assert 0 <= members["n-1"].said_ms < 2000
        assert [members[name].serves for name in ("n-1", "n-2")] == [["partitions", "inbox"], ()]


async def test_who_is_silent_for_too_long_is_not_there(store: Store) -> None:
    async with store.session() as session:
        await session.roster.beat("n-1", ABOUT, 30)
        assert await session.roster.members(-1) == {}


async def test_who_was_seen_before_the_clock_was_set_back_is_not_there(store: Store) -> None:
    async with store.session() as session:
        await session.roster.beat("n-1", ABOUT, 30)
        store.rank(store.keys.nodes(), "n-1", store.now_ms() + 3 * AHEAD_MS)
        assert await session.roster.members(30) == {}


def test_who_has_said_nothing_serves_nothing() -> None:
    assert Member("n-1", 0, 0, {}).serves == ()


async def test_news_reach_a_feed_in_their_order(store: Store) -> None:
    async with store.session() as session, store.session() as other:
        first = await session.roster.announce("n-1", "joined")
        news = (await other.feed()).subscribe(other.changes_key(), first)
        await session.roster.announce("n-1", "gave", "a lease")
        [heard] = await news.take() or []
        assert heard.fields == {b"node": b"n-1", b"what": b"gave", b"about": b"a lease"}
        news.close()


async def test_who_is_asked_to_drain_hears_it_at_its_next_beat(store: Store) -> None:
    async with store.session() as session, store.session() as operator:
        assert not await session.roster.beat("n-1", ABOUT, 30)
        await operator.roster.ask_to_drain("n-1")
        assert await session.roster.beat("n-1", ABOUT, 30)
        assert not await session.roster.beat("n-2", ABOUT, 30)


async def test_a_wish_that_nobody_is_there_to_hear_passes(store: Store) -> None:
    async with store.session() as session:
        await session.roster.ask_to_drain("n-1")
        assert 0 < store.lifetime_ms(store.keys.node("n-1")) <= DRAIN_MS


async def test_a_lifeline_renews_what_is_ours_and_names_what_is_not(store: Store) -> None:
    from anyio.to_thread import run_sync  # noqa: PLC0415 -- what a lifeline is made for

    async with store.session() as session:
        ours, theirs = session.partition_lease(0), session.partition_lease(1)
        assert await session.leases.acquire(ours, "n-1", "t-0", 5)
        assert await session.leases.acquire(theirs, "n-2", "t-1", 5)
        before = store.dump()
        lifeline = session.lifeline("n-1", 30)
        assert await run_sync(lifeline.renew, {ours: "t-0", theirs: "stale"}) == [theirs]
        after = store.dump()
        assert int(after[ours]["until"]) > store.now_ms() + 25_000
        assert after[theirs] == before[theirs]
        assert [name for name, _ in after[store.keys.nodes()]] == ["n-1"]
        store.remove(theirs)
        store.plant(theirs)
        held = {theirs: "t-1", ours: "t-0"}
        assert await run_sync(lifeline.renew, held) == [theirs]
        lifeline.close()
