"""Leases: one holder at a time by the store's clock, renewed and given back by token only."""

from engine.store.ownership import LEASE_SECONDS_LIMIT
from tests.contract.owners import expire
from tests.contract.stores import Store

HALF_SECOND = 500


async def test_a_free_lease_is_taken_for_its_length(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(1)
        before = store.now_ms()
        assert await session.leases.acquire(key, "node-a", "token-a", 1.5)
        until = int(store.dump()[key]["until"])
        assert before + 1500 <= until <= store.now_ms() + 1500
        held = dict(store.dump()[key])
        assert before <= int(held.pop("since")) <= store.now_ms()
        server = session.server
        assert held == {
            "node": "node-a", "token": "token-a", "until": str(until), "server": server,
        }  # fmt: skip


async def test_a_lease_that_is_held_is_nobody_elses(store: Store) -> None:
    async with store.session() as session:
        key = session.inbox_lease()
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        before = store.dump()
        assert not await session.leases.acquire(key, "node-b", "token-b", 30)
        assert store.dump() == before


async def test_a_process_takes_over_from_itself(store: Store) -> None:
    """Whose session broke need not wait for its own lease: it knows that it forgot all."""
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        assert await session.leases.acquire(key, "node-a", "token-b", 30)
        held = store.dump()[key]
        assert held["token"] == "token-b"
        assert "crashes" not in held
        assert not await session.leases.renew(key, "token-a", 30)


async def test_every_lease_is_one_of_its_own(store: Store) -> None:
    async with store.session() as session:
        keys = [
            session.inbox_lease(),
            *(session.partition_lease(partition) for partition in range(2)),
            *(session.projection_lease("orders", generation, 0) for generation in (1, 2)),
            session.projection_lease("orders", 1, 1),
            session.projection_lease("customers", 1, 0),
        ]
        assert [await session.leases.acquire(key, "a", "t", 30) for key in keys] == [True] * len(
            keys
        )


async def test_an_expired_lease_is_free(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        expire(store, key)
        assert await session.leases.acquire(key, "node-b", "token-b", 30)
        assert store.dump()[key]["token"] == "token-b"


async def test_an_end_further_off_than_a_lease_can_be_is_a_clock_that_jumped(store: Store) -> None:
    async with store.session() as session:
        key, limit = session.partition_lease(0), int(LEASE_SECONDS_LIMIT * 1000)
        assert await session.leases.acquire(key, "node-a", "token-a", 1)
        store.write(key, {"until": str(store.now_ms() + limit - HALF_SECOND)})
        assert not await session.leases.acquire(key, "node-b", "token-b", 1)
        store.write(key, {"until": str(store.now_ms() + limit + HALF_SECOND)})
        assert await session.leases.acquire(key, "node-b", "token-b", 1)


async def test_renewing_moves_the_end(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 1)
        assert await session.leases.renew(key, "token-a", 50)
        assert int(store.dump()[key]["until"]) >= store.now_ms() + 50_000 - HALF_SECOND


async def test_an_expired_lease_that_nobody_took_can_be_renewed(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 1)
        expire(store, key)
        assert await session.leases.renew(key, "token-a", 30)
        assert not await session.leases.acquire(key, "node-b", "token-b", 1)


async def test_an_expired_lease_that_somebody_took_cannot_be_renewed(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 1)
        expire(store, key)
        assert await session.leases.acquire(key, "node-b", "token-b", 30)
        before = store.dump()
        assert not await session.leases.renew(key, "token-a", 30)
        assert store.dump() == before


async def test_a_lease_that_was_never_taken_cannot_be_renewed(store: Store) -> None:
    async with store.session() as session:
        before = store.dump()
        assert not await session.leases.renew(session.partition_lease(0), "token-a", 30)
        await session.leases.release(session.partition_lease(0), "token-a")
        assert store.dump() == before


async def test_a_lease_given_back_is_free_at_once(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        await session.leases.release(key, "token-a")
        assert key not in store.dump()
        assert await session.leases.acquire(key, "node-b", "token-b", 30)


async def test_only_its_holder_gives_a_lease_back(store: Store) -> None:
    async with store.session() as session:
        key = session.partition_lease(0)
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        before = store.dump()
        await session.leases.release(key, "token-b")
        assert store.dump() == before


async def test_a_projectors_lease_leaves_its_checkpoint_alone(store: Store) -> None:
    async with store.session() as session:
        key = session.projection_lease("orders", 1, 0)
        checkpoint = {"position": "7", "command": "5-0", "branch": "b"}
        store.write(key, checkpoint)
        assert await session.leases.acquire(key, "node-a", "token-a", 30)
        assert store.dump()[key].items() >= checkpoint.items()
        await session.leases.release(key, "token-a")
        assert store.dump()[key] == checkpoint


async def test_who_looks_sees_who_holds_what(store: Store) -> None:
    async with store.session() as session:
        held, free, run_out = (session.partition_lease(n) for n in range(3))
        await session.leases.acquire(held, "node-a", "token-a", 30)
        await session.leases.acquire(run_out, "node-b", "token-b", 30)
        expire(store, run_out)
        state = await session.leases.look([held, free, run_out])
        assert state[held][:2] == ("node-a", "token-a")
        assert 25_000 < state[held].remaining_ms <= 30_000
        assert abs(state[held].since_ms - store.now_ms()) < 5000
        assert state[free] == state[run_out] == ("", "", 0, 0, 0, "")


async def test_what_somebody_planted_in_a_leases_place_hides_no_other(store: Store) -> None:
    async with store.session() as session:
        odd, held = (session.partition_lease(n) for n in range(2))
        store.plant(odd)
        await session.leases.acquire(held, "node-a", "token-a", 30)
        state = await session.leases.look([odd, held])
        assert "WRONGTYPE" in state[odd].node
        assert state[held].node == "node-a"


async def test_what_somebody_wrote_into_a_lease_hides_no_other(store: Store) -> None:
    async with store.session() as session:
        odd, held = (session.partition_lease(n) for n in range(2))
        store.write(odd, {"node": "n", "token": "t", "until": "soon"})
        assert await session.leases.acquire(held, "node-a", "token-a", 30)
        state = await session.leases.look([odd, held])
        assert "soon" in state[odd].node
        assert state[held].node == "node-a"
