"""A session is with one server and its history: where either changes, that is noticed.

On servers of their own, since no other test could live with what is done to them.
"""

from collections.abc import AsyncIterator

import anyio
import pytest
from redis.asyncio import Redis

from engine.core.errors import Lost, single
from engine.edge.binary import Binary
from engine.edge.server import EmbeddedServer, embedded_server
from engine.store.session import RedisSession, open_session

NAMESPACE = "checked"
NOBODY = ("127.0.0.1", 1)
"""No server listens there: a replica of it keeps what it has."""


@pytest.fixture(params=["valkey_binary", "redis_binary"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedServer]:
    """Each real engine in turn, for this test alone."""
    binary: Binary = request.getfixturevalue(request.param)
    async with embedded_server(binary=binary) as server:
        yield server


@pytest.fixture
async def operator(server: EmbeddedServer) -> AsyncIterator[Redis]:
    """Somebody who does to the server what operators and Sentinels do."""
    async with Redis.from_url(server.url, protocol=2) as redis:
        yield redis


async def begin(session: RedisSession) -> str:
    """What a session may do while all is as it was; the server's name."""
    await session.create(1)
    await session.check_server()
    await session.feed()
    assert await session.leases.acquire(session.partition_lease(0), "node", "token", 1)
    await session.check_server()
    return session.server


async def test_a_server_that_is_somebodys_replica_now_is_lost(
    server: EmbeddedServer, operator: Redis
) -> None:
    async with open_session(server.url, NAMESPACE) as session:
        await begin(session)
        await operator.replicaof(*NOBODY)
        with pytest.raises(Lost, match="replica"):
            await session.check_server()


async def test_a_server_with_another_history_is_lost_though_every_line_holds(
    server: EmbeddedServer, operator: Redis
) -> None:
    """Promoted again it is a master, and the same process; its data may be another's."""
    async with open_session(server.url, NAMESPACE) as session:
        before = await begin(session)
        await operator.replicaof(*NOBODY)
        await operator.replicaof("NO", "ONE")
        with pytest.raises(Lost, match="not the one that this session began on"):
            await session.check_server()
    async with open_session(server.url, NAMESPACE) as session:
        assert await begin(session) != before


async def test_reading_from_another_server_ends_the_session(
    server: EmbeddedServer, operator: Redis
) -> None:
    with pytest.raises(BaseExceptionGroup) as broken:
        await read_another_history(server, operator)
    lost = broken.value.subgroup(Lost)
    assert lost is not None
    assert "not the one that this session began on" in str(single(lost))


async def read_another_history(server: EmbeddedServer, operator: Redis) -> None:
    async with open_session(server.url, NAMESPACE) as session:
        await begin(session)
        await operator.replicaof(*NOBODY)
        await operator.replicaof("NO", "ONE")
        with anyio.fail_after(5):
            await (await session.logs("orders", 1)).subscribe(session.log_key(0), "").take()


async def test_a_write_to_what_became_a_replica_ends_the_session(
    server: EmbeddedServer, operator: Redis
) -> None:
    with pytest.raises(BaseExceptionGroup) as broken:
        await write_to_a_replica(server, operator)
    assert broken.value.subgroup(Lost) is not None


async def write_to_a_replica(server: EmbeddedServer, operator: Redis) -> None:
    async with open_session(server.url, NAMESPACE) as session:
        await begin(session)
        await operator.replicaof(*NOBODY)
        with pytest.raises(Lost):
            await session.leases.renew(session.partition_lease(0), "token", 1)
        with pytest.raises(Lost):
            await session.check_server()
