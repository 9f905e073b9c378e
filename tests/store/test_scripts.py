"""Scripts: found by name, loaded where they are missing, sent again only when they did not run."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import pytest
from redis import Redis

from engine.core.errors import Fenced, NotNow, Refused
from engine.store.connection import Argument
from engine.store.dialling import connect
from engine.store.scripts import Scripts, source_of

STORE = Path(str(files("engine.store")))
NAMES = sorted(path.stem for path in STORE.glob("lua/*.lua"))


@pytest.fixture
def redis(server_url: str) -> Iterator[Any]:
    """Another client of the server, in whose hands the server is."""
    client = Redis.from_url(server_url, protocol=2, decode_responses=True)
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Scripts]:
    async with connect(url) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(connection.run)
        yield Scripts(connection)
        tasks.cancel_scope.cancel()


async def acquire(scripts: Scripts, key: str, node: str = "a") -> bool:
    return bool(await scripts.call("acquire", [key], [node, "t", 30_000, 60_000, "server"]) == 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_server_takes_each_script_and_names_it_as_we_do(redis: Any, name: str) -> None:
    source = source_of(name)
    assert not re.search(r"^-- include", source, re.MULTILINE)
    assert source.startswith("#!lua")
    assert redis.script_load(source) == redis.script_load(source_of(name))


def test_every_script_that_is_called_is_there_and_every_one_is_called() -> None:
    code = "\n".join(path.read_text() for path in STORE.glob("*.py"))
    called = re.findall(
        r"(?:_scripts\.(?:call|call_all|try_all)|sha_of|_ask)\(\s*\"([a-z]\w*)\"", code
    )
    assert sorted(set(called)) == NAMES


async def test_a_script_is_loaded_where_it_is_missing(
    server_url: str, namespace: str, redis: Any
) -> None:
    redis.script_flush()
    async with opened(server_url) as scripts:
        assert await acquire(scripts, f"{namespace}:1")
        redis.script_flush()
        assert not await acquire(scripts, f"{namespace}:1", "b")
        assert await acquire(scripts, f"{namespace}:2")


async def test_a_flush_under_many_callers_is_noticed_by_none(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with opened(server_url) as scripts:
        taken: list[object] = []

        async def take(n: int) -> None:
            if n == 25:
                redis.script_flush()
            taken.append(await acquire(scripts, f"{namespace}:{n}"))

        async with anyio.create_task_group() as tasks:
            for n in range(50):
                tasks.start_soon(take, n)
        assert taken == [True] * 50


async def test_a_full_server_runs_nothing_and_says_so(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with opened(server_url) as scripts:
        keys = [f"{{{namespace}}}{n}" for n in range(2)]
        call: list[Argument] = ["inbox", "0-0", "1-0", 4, "id", "id-1", "type", "Noted"]
        redis.config_set("maxmemory", 1)
        with pytest.raises(NotNow, match=r"^OOM "):
            await scripts.call("submit", keys, call)
        assert not redis.exists(*keys)
        redis.config_set("maxmemory", 0)
        assert (await scripts.call("submit", keys, call))[0] == b"1-0"


async def test_leases_are_kept_on_a_full_server(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with opened(server_url) as scripts:
        redis.config_set("maxmemory", 1)
        assert await acquire(scripts, f"{namespace}:1")
        assert await scripts.call("renew", [f"{namespace}:1"], [1000, "t"]) == [1]


async def test_lists_are_read_on_a_full_server_by_what_cannot_write(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with opened(server_url) as scripts:
        redis.zadd(f"{namespace}:1", {"a": 1, "b": 1})
        redis.config_set("maxmemory", 1)
        found = await scripts.call("members", [f"{namespace}:1"], [0, 9, "1.0", "a"])
        assert found == [2, 1, [b"b", b"1"]]
        assert source_of("members").startswith("#!lua flags=no-writes\n")


async def test_what_a_script_says_becomes_our_error(
    server_url: str, namespace: str, redis: Any
) -> None:
    async with opened(server_url) as scripts:
        keys = [f"{{{namespace}}}{n}" for n in range(5)]
        with pytest.raises(Fenced, match="the lease is not ours"):
            await scripts.call("commit", keys, ["t", 0, 0, "1-0", "b", 6])
        redis.set(keys[0], "planted")
        with pytest.raises(Refused, match=r"^WRONGTYPE "):
            await scripts.call("commit", keys, ["t", 0, 0, "1-0", "b", 6])
