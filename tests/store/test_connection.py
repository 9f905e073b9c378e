"""One socket, many callers: replies in order, nothing sent twice, broken is broken for all."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from redis import Redis

from engine.core.errors import Lost, Misuse, Refused, Unavailable, single
from engine.store import connection as module
from engine.store.connection import Connection
from engine.store.dialling import connect
from engine.store.session import open_session
from tests.counted import Counted
from tests.eventually import eventually
from tests.faults.proxy import Mode, Proxy, proxy


@pytest.fixture
def redis(server_url: str) -> Iterator[Any]:
    """Another client of the server."""
    client = Redis.from_url(server_url, protocol=2, decode_responses=True)
    yield client
    client.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection that is run; that it breaks is not an error here."""
    async with connect(url) as connection, anyio.create_task_group() as tasks:

        async def run() -> None:
            with contextlib.suppress(Lost):
                await connection.run()

        tasks.start_soon(run)
        yield connection
        tasks.cancel_scope.cancel()


async def test_each_of_many_callers_gets_its_own_reply(server_url: str) -> None:
    async with connected(server_url) as connection:
        replies: dict[int, bytes] = {}

        async def ask(n: int) -> None:
            for _ in range(3):
                replies[n] = await connection.call("ECHO", n)

        async with anyio.create_task_group() as tasks:
            for n in range(300):
                tasks.start_soon(ask, n)
    assert replies == {n: b"%d" % n for n in range(300)}


async def test_requests_go_out_in_the_order_of_the_calls(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with connected(server_url) as connection:
        sent = [connection.call("RPUSH", namespace, n) for n in range(100)]
        assert [await reply for reply in sent] == list(range(1, 101))
    assert redis.lrange(namespace, 0, -1) == [str(n) for n in range(100)]


async def test_a_caller_that_goes_away_disturbs_nobody(server_url: str) -> None:
    async with connected(server_url) as connection:
        sent = [connection.call("ECHO", n) for n in range(10)]
        for gone in sent[::2]:
            gone.cancel()
        assert [await reply for reply in sent[1::2]] == [b"1", b"3", b"5", b"7", b"9"]
        with anyio.move_on_after(0):
            await connection.call("ECHO", "never waited for")
        assert await connection.call("ECHO", "next") == b"next"


async def test_an_error_reaches_its_caller_only(server_url: str) -> None:
    async with connected(server_url) as connection:
        good, bad, fine = (
            connection.call("ECHO", "a"),
            connection.call("NOSUCH"),
            connection.call("ECHO", "b"),
        )
        assert await good == b"a"
        with pytest.raises(Refused, match="NOSUCH"):
            await bad
        assert await fine == b"b"


async def test_an_error_keeps_its_code(server_url: str, namespace: str, redis: Any) -> None:
    redis.set(namespace, "text")
    async with connected(server_url) as connection:
        with pytest.raises(Refused, match=r"^WRONGTYPE "):
            await connection.call("XLEN", namespace)
        with pytest.raises(Refused, match=r"^NOSCRIPT "):
            await connection.call("EVALSHA", "0" * 40, 0)


def is_blocked(redis: Any, client: int) -> bool:
    return any(one["id"] == str(client) and "b" in one["flags"] for one in redis.client_list())


async def test_when_the_server_hangs_up_everyone_is_told(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with connected(server_url) as connection:
        client = await connection.call("CLIENT", "ID")
        waiting = [connection.call("BLPOP", namespace, 30) for _ in range(3)]
        await eventually(
            lambda: is_blocked(redis, client), "the first caller blocks the connection"
        )
        redis.client_kill_filter(_id=client)
        for one in waiting:
            with pytest.raises(Lost):
                await one
        with pytest.raises(Lost):
            await connection.call("PING")


async def test_running_ends_when_the_server_hangs_up(server_url: str, redis: Any) -> None:
    async with connect(server_url) as connection, anyio.create_task_group() as tasks:

        async def run() -> None:
            with pytest.raises(Lost):
                await connection.run()

        tasks.start_soon(run)
        redis.client_kill_filter(_id=await connection.call("CLIENT", "ID"))
        with pytest.raises(Lost):
            await connection.call("PING")


async def test_a_closed_connection_says_so(server_url: str) -> None:
    async with connected(server_url) as connection:
        assert await connection.call("ECHO", "a") == b"a"
    with pytest.raises(Lost):
        await connection.call("ECHO", "b")


async def test_a_command_whose_reply_is_lost_is_not_sent_again(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with proxy(server_url, recording=True) as line, connected(line.url) as connection:
        assert await connection.call("ECHO", "a") == b"a"
        line.mode = Mode.DROP_REPLIES
        sent = [connection.call("XADD", namespace, "*", "n", n) for n in range(2)]
        await eventually(lambda: redis.exists(namespace), "the commands arrived")
        await line.cut()
        for one in sent:
            with pytest.raises(Lost):
                await one
        assert line.requests.count(b"XADD") == redis.xlen(namespace) == 2


async def test_a_server_that_does_not_answer_is_lost(
    server_url: str, namespace: str, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLY_SECONDS", 0.05)
    async with proxy(server_url, recording=True) as line, connected(line.url) as connection:
        line.mode = Mode.DROP_REPLIES
        with pytest.raises(Lost), anyio.fail_after(5):
            await connection.call("XADD", namespace, "*", "n", 1)
        assert redis.xlen(namespace) == 1
        assert line.requests.count(b"XADD") == 1


async def test_a_quiet_connection_stays(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPLY_SECONDS", 0.01)
    async with connected(server_url) as connection:
        for n in range(3):
            assert await connection.call("ECHO", n) == b"%d" % n
            await anyio.sleep(0.02)


async def live_until_cut(line: Proxy, namespace: str, mode: Mode) -> None:
    """A session over a line that goes bad under it."""
    async with open_session(line.url, namespace) as session:
        await session.create(1)
        subscription = (await session.feed()).subscribe(session.commands_key(0), "0-0")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(subscription.take)
            line.mode = mode
            await line.cut()
            await anyio.sleep_forever()


@pytest.mark.parametrize("mode", [Mode.FORWARD, Mode.DROP_REPLIES])
async def test_a_session_ends_when_its_line_does(
    server_url: str, namespace: str, mode: Mode
) -> None:
    async with proxy(server_url, recording=True) as line:
        with pytest.raises(BaseExceptionGroup) as broken, anyio.fail_after(5):
            await live_until_cut(line, namespace, mode)
        assert isinstance(single(broken.value), Lost)
        with pytest.raises(Unavailable):
            async with open_session(line.url, namespace):
                pass


async def test_a_server_that_is_not_there_is_unavailable(free_tcp_port: int) -> None:
    url = f"redis://127.0.0.1:{free_tcp_port}"
    with pytest.raises(Unavailable, match=f"{free_tcp_port}"):
        async with connect(url):
            pass


@pytest.mark.parametrize("url", ["127.0.0.1:6379", "http://127.0.0.1", ""])
async def test_a_url_that_is_none_is_misuse(url: str) -> None:
    with pytest.raises(Misuse, match="not a Redis URL"):
        async with connect(url):
            pass


@pytest.mark.parametrize("option", ["socket_timeout=60", "decode_responses=true", "nonsense=1"])
async def test_a_url_does_not_say_how_we_speak(option: str) -> None:
    with pytest.raises(Misuse, match=option.partition("=")[0]):
        async with connect(f"redis://127.0.0.1:1/0?{option}"):
            pass


async def test_what_redis_refuses_is_counted_by_its_code(server_url: str, namespace: str) -> None:
    counted = Counted()
    async with connected(server_url) as connection:
        await connection.call("SET", namespace, "text")
        for words in (("LPUSH", namespace, 1), ("NOSUCH",), ("EVALSHA", "0" * 40, 0), ("GET",)):
            with pytest.raises(Refused):
                await connection.call(*words)
        await connection.call("UNLINK", namespace)
    codes = {"WRONGTYPE": 1, "NOSCRIPT": 1, "ERR": 2}
    assert {c: counted.more("semel_redis_refused_total", code=c) for c in codes} == codes
