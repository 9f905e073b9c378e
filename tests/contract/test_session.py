"""Sessions: what a namespace is, how commands are added, and what breaks breaks for all."""

import anyio
import pytest

from engine.core.errors import NotFound, SemelError, Unavailable, Unfit
from tests.contract.stores import PARTITIONS, Store
from tests.eventually import eventually


def fields(id: str) -> dict[str, bytes]:
    return {
        "meta": b"", "id": id.encode(), "type": b"T", "aggregate": b"order-1", "data": b"\xff",
    }  # fmt: skip


async def test_a_namespace_is_made_once(store: Store) -> None:
    async with store.session() as session:
        assert session.partitions == PARTITIONS
        secret = session.secret.decode()
        meta = {"format": "1", "partitions": "4", "secret": secret}
        assert store.dump() == {store.keys.meta(): meta}
        await session.create(64)
        assert session.partitions == PARTITIONS
        await session.enter(None)
        await session.enter(PARTITIONS)
        assert session.partitions == PARTITIONS
        assert store.dump() == {store.keys.meta(): meta}
    async with store.session() as another:
        assert another.secret.decode() == secret


async def test_another_number_of_partitions_is_refused(store: Store) -> None:
    async with store.session() as session:
        with pytest.raises(Unfit, match=r"4 partitions.* 8"):
            await session.enter(8)


async def test_another_format_is_refused(store: Store) -> None:
    async with store.session() as session:
        store.write(store.keys.meta(), {"format": "99"})
        with pytest.raises(Unfit, match=r"99.* 1"):
            await session.enter(None)


@pytest.mark.parametrize("there", [{}, {"format": "1", "partitions": "4"}])
async def test_a_namespace_that_is_not_there_is_not_found(
    store: Store, there: dict[str, str]
) -> None:
    async with store.session() as session:
        store.remove(store.keys.meta())
        if there:
            store.write(store.keys.meta(), there)
        with pytest.raises(NotFound, match=store.keys.namespace):
            await session.enter(None)


async def test_commands_are_added_in_the_order_of_the_calls(store: Store) -> None:
    told: list[str | SemelError] = []
    async with store.session() as session:
        for n in range(50):
            session.submit(1, fields(f"c{n}"), told.append)
        assert not told
        await eventually(lambda: len(told) == 50, "every sender is told")
        entries, _ = store.dump()[store.keys.commands(1)]
        assert [id for id, _ in entries] == told
        assert [f[b"id"] for _, f in entries] == [b"c%d" % n for n in range(50)]
        assert list(entries[0][1]) == [b"id", b"type", b"aggregate", b"data", b"meta"]


async def test_a_command_that_is_not_taken_says_so(store: Store) -> None:
    told: list[str | SemelError] = []
    async with store.session() as session:
        store.plant(store.keys.commands(1))
        session.submit(1, fields("c"), told.append)
        await eventually(lambda: told, "the sender is told")
        assert isinstance(told[0], Unavailable)


async def test_many_callers_share_a_session(store: Store) -> None:
    async with store.session() as session, anyio.create_task_group() as tasks:
        held: list[bool] = []

        async def take(n: int) -> None:
            key = session.projection_lease("things", n, 0)
            held.append(await session.leases.acquire(key, "node", f"token-{n}", 30))

        for n in range(100):
            tasks.start_soon(take, n)
    assert held == [True] * 100
