"""Lists: the groups of an index in their order, slice by slice or behind a place in them."""

from random import Random
from typing import Any

import pytest

from engine.core.listing import Listing, Ranked, Slice
from engine.core.ports import Session
from tests.contract.projecting import GENERATION, INDEXES, NAME, Projecting, projecting, put
from tests.contract.stores import RedisStore, Store

OLDEST_FIRST = ["r5", "r3", "r1", "r2", "r4"]
DIRECTIONS = pytest.mark.parametrize("newest_first", [True, False])


async def ranked(one: Projecting) -> None:
    """Five rows of one group; two of them are equal in rank."""
    ranks = {"r1": "10", "r3": "2", "r2": "10", "r5": "-1.5", "r4": "30"}
    changes = [put(n, row, owner="ann", rank=r) for n, (row, r) in enumerate(ranks.items(), 1)]
    await one.apply(*changes)


def of(owner: str, *, newest_first: Any = False) -> Listing:
    return Listing(NAME, INDEXES[0], (owner,), newest_first)


def key_of(store: Store, listing: Listing) -> str:
    return f"{store.keys.index(NAME, GENERATION, listing.index.name)}:{listing.group[0]}"


def rows(found: Slice) -> list[str]:
    return [entry.row for entry in found.entries]


@DIRECTIONS
@pytest.mark.parametrize(("start", "count"), [(0, 2), (2, 2), (4, 2), (5, 2), (99, 2), (0, 99)])
async def test_a_group_is_read_slice_by_slice(
    store: Store, start: int, count: int, newest_first: Any
) -> None:
    async with projecting(store) as one:
        await ranked(one)
        found = await one.session.rows.members(
            of("ann", newest_first=newest_first), GENERATION, start, count
        )
        order = OLDEST_FIRST[::-1] if newest_first else OLDEST_FIRST
        assert rows(found) == order[start : start + count]
        assert (found.start, found.total) == (start, len(OLDEST_FIRST))
        assert found.is_last == (start + count >= len(OLDEST_FIRST))


async def test_a_group_of_nobody_is_empty(store: Store) -> None:
    async with projecting(store) as one:
        for start in (0, Ranked("r1", 10.0)):
            found = await one.session.rows.members(of("bob"), GENERATION, start, 9)
            assert (found, found.is_last) == (([], 0, 0), True)


@DIRECTIONS
async def test_a_group_is_read_behind_an_entry_there_or_not(
    store: Store, newest_first: Any
) -> None:
    async with projecting(store) as one:
        await ranked(one)
        listing = of("ann", newest_first=newest_first)
        whole = (await one.session.rows.members(listing, GENERATION, 0, 9)).entries
        for at, entry in enumerate(whole, 1):
            found = await one.session.rows.members(listing, GENERATION, entry, 2)
            assert (found.entries, found.start) == (whole[at : at + 2], at)
        for place, behind in [
            (Ranked("r1a", 10.0), ["r2", "r4"]), (Ranked("r0", 10.0), ["r1", "r2", "r4"]),
            (Ranked("r9", 10.0), ["r4"]), (Ranked("r1", 9.5), ["r1", "r2", "r4"]),
            (Ranked("x", 30.0), []), (Ranked("x", -1e300), OLDEST_FIRST),
        ]:  # fmt: skip
            found = await one.session.rows.members(listing, GENERATION, place, 9)
            before = [row for row in OLDEST_FIRST[::-1] if row not in behind]
            assert rows(found) == (before if newest_first else behind)


@DIRECTIONS
@pytest.mark.parametrize(
    "scores", [["-inf", "-1e300", "-0.0", "5e-324", "0.1", "0.30000000000000004", "1e17", "inf"]]
)
async def test_any_score_is_a_place(store: Store, scores: list[str], newest_first: Any) -> None:
    async with store.session() as session:
        listing = of("ann", newest_first=newest_first)
        for score in scores:
            store.rank(key_of(store, listing), f"at {score}", float(score))
        walked = await walk(session, listing, 1)
        order = [f"at {score}" for score in scores]
        assert walked == (order[::-1] if newest_first else order)


@DIRECTIONS
async def test_equals_stand_in_order_of_their_bytes(store: Store, newest_first: Any) -> None:
    names = [
        "B",
        "a",
        "a b",
        "a-",
        "aa",
        "b",
        "Zo\u00eb",
        "z\u00f6",
        "\u20ac",
        "\U0001f600",
        "ab\x01",
        "ab",
    ]
    async with store.session() as session:
        listing = of("ann", newest_first=newest_first)
        for name in names:
            store.rank(key_of(store, listing), name, 7)
        order = sorted(names, key=str.encode, reverse=newest_first)
        assert await walk(session, listing, 1) == order
        removed = set[str]()
        for gone in names[::2]:
            removed.add(gone)
            store.unrank(key_of(store, listing), gone)
            found = await session.rows.members(listing, GENERATION, Ranked(gone, 7.0), 99)
            behind = order[order.index(gone) + 1 :]
            assert rows(found) == [row for row in behind if row not in removed]


async def walk(session: Session, listing: Listing, count: int) -> list[str]:
    """A whole list, cursor by cursor."""
    seen: list[str] = []
    found = await session.rows.members(listing, GENERATION, 0, count)
    seen += rows(found)
    while not found.is_last:
        place = listing.place(listing.cursor(found.entries[-1]))
        found = await session.rows.members(listing, GENERATION, place, count)
        seen += rows(found)
    return seen


@DIRECTIONS
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_comes_and_goes_who_stays_is_seen_once(
    store: Store, seed: int, newest_first: Any
) -> None:
    """Random histories against a model: entries come, go and move between the slices of a walk."""
    chance = Random(seed)
    spread = chance.choice([1, 2, 3, 1000])  # one score for all, a few, hardly two alike
    listing = of("ann", newest_first=newest_first)
    key, model = key_of(store, listing), dict[str, int]()

    def meddle(times: int) -> None:
        for _ in range(times):
            row = f"r{chance.randrange(120)}"
            if chance.random() < 0.4:
                model.pop(row, None)
                store.unrank(key, row)
            else:
                model[row] = chance.randrange(spread)
                store.rank(key, row, model[row])

    async with store.session() as session:
        meddle(150)
        stayed, seen = dict(model), list[Ranked]()
        found = await session.rows.members(listing, GENERATION, 0, 1 + chance.randrange(9))
        while True:
            assert all(model[entry.row] == entry.score for entry in found.entries)
            seen += found.entries
            if found.is_last:
                break
            place = listing.place(listing.cursor(found.entries[-1]))
            meddle(chance.randrange(12))
            stayed = {row: score for row, score in stayed.items() if model.get(row) == score}
            found = await session.rows.members(listing, GENERATION, place, 1 + chance.randrange(9))
        order = sorted(seen, key=lambda e: (e.score, e.row.encode()), reverse=newest_first)
        assert seen == order
        assert len(seen) == len(set(seen))
        assert {Ranked(row, score) for row, score in stayed.items()} <= set(seen)


async def test_a_place_among_thousands_of_equals_is_found_by_halving(
    redis_store: RedisStore,
) -> None:
    if redis_store.name == "fakeredis":
        pytest.skip("it does not count commands")
    many, listing = 5000, of("ann", newest_first=True)
    redis_store.redis.zadd(key_of(redis_store, listing), {f"r{n:04}": 7 for n in range(many)})
    async with redis_store.session() as session:
        await session.rows.members(listing, GENERATION, 0, 1)
        redis_store.redis.config_resetstat()
        place = Ranked("r2500x", 7.0)
        found = await session.rows.members(listing, GENERATION, place, 2)
        assert rows(found) == ["r2500", "r2499"]
        calls = redis_store.redis.info("commandstats")
        assert calls["cmdstat_zrange"]["calls"] <= many.bit_length()
        assert calls["cmdstat_evalsha"]["calls"] == 1
