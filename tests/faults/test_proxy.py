"""The bad line is as bad as it says, and never worse than a network can be."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from anyio.from_thread import BlockingPortal
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import TimeoutError as Late
from redis.retry import Retry

from tests.eventually import eventually
from tests.faults.proxy import Mode, Proxy, proxy


@pytest.fixture
def line(portal: BlockingPortal, valkey_url: str) -> Iterator[Proxy]:
    with portal.wrap_async_context_manager(proxy(valkey_url)) as line:
        yield line


@contextmanager
def client(url: str, patience: float = 5) -> Iterator[Redis]:
    """A client that never tries twice."""
    redis = Redis.from_url(
        url, protocol=2, socket_timeout=patience, retry=Retry(NoBackoff(), 0), decode_responses=True
    )
    with redis:
        yield redis


def test_a_write_arrives_and_its_reply_is_lost(
    line: Proxy, valkey_url: str, namespace: str
) -> None:
    with client(line.url) as redis, client(valkey_url) as there:
        assert redis.ping()
        line.mode = Mode.LOSE_REPLY
        assert redis.ping(), "only writes are struck"
        with pytest.raises(Broken):
            redis.xadd(namespace, {"n": 1})
        assert redis.xadd(namespace, {"n": 2}), "the next one passes"
        assert there.xlen(namespace) == 2
    assert line.struck == {Mode.LOSE_REPLY: 1}


def test_replies_that_were_swallowed_never_make_way_for_later_ones(
    portal: BlockingPortal, line: Proxy, namespace: str
) -> None:
    with client(line.url, patience=0.2) as redis:
        assert redis.ping()
        connection = redis.connection_pool.get_connection()
        line.mode = Mode.DROP_REPLIES
        connection.send_command("INCR", namespace)
        assert not connection.can_read(0.1)
        portal.call(line.heal)
        with pytest.raises(Broken):
            connection.read_response()
        assert redis.incr(namespace) == 2
        redis.connection_pool.release(connection)


async def test_a_half_open_connection_looks_alive(
    portal: BlockingPortal, line: Proxy, valkey_url: str, namespace: str
) -> None:
    with client(line.url, patience=0.2) as redis, client(valkey_url) as there:
        name = f"half-{namespace}"
        redis.client_setname(name)
        line.mode = Mode.HALF_OPEN
        with pytest.raises(Late):
            redis.incr(namespace)
        await eventually(
            lambda: name not in str(there.client_list()), "the server sees the connection end"
        )
        assert there.get(namespace) is None
        portal.call(line.heal)
        assert redis.incr(namespace) == 1


def test_what_is_cut_stays_cut_until_it_is_healed(portal: BlockingPortal, line: Proxy) -> None:
    with client(line.url) as redis:
        assert redis.ping()
        portal.call(line.cut)
        for _ in range(2):
            with pytest.raises(Broken):
                redis.ping()
        portal.call(line.heal)
        assert redis.ping()
        assert line.struck == {Mode.CUT: 1}


def test_a_line_can_lead_elsewhere(portal: BlockingPortal, line: Proxy, redis7_url: str) -> None:
    with client(line.url) as redis:
        assert "server_name" in redis.info("server")
        line.target = redis7_url
        portal.call(line.cut)
        portal.call(line.heal)
        assert "server_name" not in redis.info("server")
