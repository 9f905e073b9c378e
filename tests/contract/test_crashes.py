"""Crashes: owners that died are counted in the lease, and what they were at is noted there."""

import pytest

from engine.core.errors import Fenced
from engine.core.ports import Session
from tests.contract.owners import expire
from tests.contract.stores import Store


async def crash(store: Store, session: Session, key: str, node: str) -> None:
    """Take a lease whose holder dies with it."""
    assert await session.leases.acquire(key, node, f"token-{node}", 30)
    expire(store, key)


async def test_owners_that_die_are_counted_until_one_gets_past_it(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        for n in range(3):
            await crash(store, session, key, f"node-{n}")
        assert await session.leases.acquire(key, "node-3", "t", 30)
        assert (await session.leases.look([key]))[key].crashes == 3
        ledger = session.ledger(0, "t")
        assert (await ledger.open()).crashes == 3
        await ledger.acquit()
        assert (await ledger.open()).crashes == 0
        assert "crashes" not in store.dump()[key]


async def test_what_is_given_back_is_no_crash_and_clears_none(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        await crash(store, session, key, "node-0")
        for n in (1, 2):
            assert await session.leases.acquire(key, f"node-{n}", f"t-{n}", 30)
            await session.leases.release(key, f"t-{n}")
        assert store.dump()[key] == {"crashes": "1"}


async def test_a_lease_that_ran_out_with_its_server_is_no_crash(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        await crash(store, session, key, "node-0")
        store.write(key, {"server": "the one before"})
        assert await session.leases.acquire(key, "node-1", "t", 30)
        assert (await session.leases.look([key]))[key].crashes == 0


async def test_deaths_count_against_the_suspect_alone(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        for deaths in range(3):
            assert await session.leases.acquire(key, f"node-{deaths}", f"t-{deaths}", 30)
            ledger = session.ledger(0, f"t-{deaths}")
            assert await ledger.suspect("5-0") == deaths
            expire(store, key)
        assert await session.leases.acquire(key, "node-9", "t-9", 30)
        assert await session.ledger(0, "t-9").suspect("5-0") == 3
        assert await session.ledger(0, "t-9").suspect("6-0") == 0
        assert (await session.leases.look([key]))[key].suspect == "6-0"


async def test_who_lost_its_lease_accuses_and_acquits_nobody(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        before = store.dump()
        ledger = session.ledger(0, "stale")
        with pytest.raises(Fenced):
            await ledger.suspect("5-0")
        with pytest.raises(Fenced):
            await ledger.acquit()
        assert store.dump() == before


async def test_a_projectors_lease_counts_crashes_too(store: Store) -> None:
    async with store.session() as session:
        key = session.projection_lease("orders", 1, 0)
        for n in range(3):
            await crash(store, session, key, f"node-{n}")
        assert await session.leases.acquire(key, "node-3", "t", 30)
        log = session.log("orders", 1, (), 0, "t")
        assert (await log.checkpoint()).crashes == 3
        assert await log.suspect(7) == 0
        await log.acquit()
        assert (await log.checkpoint()).crashes == 0
