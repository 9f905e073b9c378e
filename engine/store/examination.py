"""What a server says of itself, and what it lets this user do, without changing anything."""

import time
from collections.abc import Mapping

import anyio

from engine.core.errors import NotNow, Refused
from engine.core.fitness.facts import SETTINGS, Facts
from engine.store.connection import Argument, Connection
from engine.store.dialling import connect
from engine.store.keys import Keys

_ALL, _KEYS = "command", "keys"

_KEY = "doctor"
"""A key of partition 0 that nobody has: what is tried is never run, and would be seen there."""

_FIRST: Mapping[str, tuple[Argument, ...]] = {
    **dict.fromkeys(("GET", "HGETALL", "HKEYS", "HLEN", "EXISTS", "UNLINK", "XLEN", "ZCARD"), ()),
    **dict.fromkeys(
        ("HGET", "HMGET", "HDEL", "HEXISTS", "XDEL", "ZREM", "ZSCORE", "ZMSCORE"), ("f",)
    ),
    **dict.fromkeys(("SET", "RPUSH"), ("v",)),
    **dict.fromkeys(("HSET", "HSETNX"), ("f", "v")),
    **dict.fromkeys(("EXPIRE", "PEXPIRE", "ZRANDMEMBER"), (1,)),
    **dict.fromkeys(("HSCAN", "ZSCAN"), (0,)),
    **dict.fromkeys(("XRANGE", "XREVRANGE"), ("-", "+")),
    **dict.fromkeys(("ZCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZREMRANGEBYSCORE"), (0, 0)),
    "HINCRBY": ("f", 1),
    "XADD": ("*", "f", "v"),
    "XSETID": ("1-0",),
    "XTRIM": ("MAXLEN", 1),
    "ZADD": (1, "m"),
}
"""Commands whose first argument is a key, and what has to follow that they can be told."""


def commands_tried(key: str) -> dict[str, tuple[Argument, ...]]:
    """Every command that semel calls, itself or in a script, by name."""
    return {
        **{name: (name, key, *rest) for name, rest in _FIRST.items()},
        "CLIENT ID": ("CLIENT", "ID"),
        "CLIENT UNBLOCK": ("CLIENT", "UNBLOCK", 0),
        "EVALSHA": ("EVALSHA", "0" * 40, 1, key),
        "INFO": ("INFO", "server"),
        "SCAN": ("SCAN", 0),
        "SCRIPT LOAD": ("SCRIPT", "LOAD", "return 0"),
        "TIME": ("TIME",),
        "XGROUP CREATE": ("XGROUP", "CREATE", key, "g", 0),
        "XGROUP DESTROY": ("XGROUP", "DESTROY", key, "g"),
        "XGROUP SETID": ("XGROUP", "SETID", key, "g", 0),
        "XINFO GROUPS": ("XINFO", "GROUPS", key),
        "XINFO STREAM": ("XINFO", "STREAM", key),
        "XREAD": ("XREAD", "STREAMS", key, 0),
        "XREADGROUP": ("XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">"),
    }


async def examine(url: str, namespace: str, packages: Mapping[str, str | None]) -> Facts:
    """Ask the server; raises `Unavailable`."""
    keys = Keys(namespace)
    async with connect(url) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(connection.run)
        info, config = await _info(connection), await _config(connection)
        ahead = await _ahead(connection)
        refused, closed = await _tried(connection, keys)
        tasks.cancel_scope.cancel()
    return Facts(info, config, refused, closed, ahead, packages)


async def _info(connection: Connection) -> dict[str, str]:
    try:
        text: bytes = await connection.call("INFO")
    except Refused:
        return {}
    lines = (line.partition(":") for line in text.decode(errors="replace").splitlines())
    return {name: value for name, _, value in lines if value}


async def _config(connection: Connection) -> dict[str, str]:
    try:
        flat: list[bytes] = await connection.call("CONFIG", "GET", *SETTINGS)
    except Refused:
        return {}
    said = [each.decode(errors="replace") for each in flat]
    return dict(zip(said[::2], said[1::2], strict=True))


async def _ahead(connection: Connection) -> float:
    """The server's clock less ours, by the quickest of a few answers."""
    best = (float("inf"), 0.0)
    for _ in range(5):
        before = time.time()
        try:
            seconds, micros = await connection.call("TIME")
        except Refused:
            return 0.0
        after = time.time()
        there = int(seconds) + int(micros) / 1e6
        best = min(best, (after - before, there - (before + after) / 2))
    return best[1]


async def _tried(connection: Connection, keys: Keys) -> tuple[list[str], list[str]]:
    """The commands and kinds of keys that this user is refused.

    Redis checks rights when a transaction is written down; this one is thrown away. Whoever may
    not write one down has enough to mend.
    """
    try:
        await connection.call("MULTI")
    except Refused:
        return ["MULTI"], []
    # Only now: what is not within a transaction would be done.
    commands = commands_tried(keys.partition(0, _KEY))
    refused = [name for name, words in commands.items() if await _bars(connection, *words) == _ALL]
    kinds = (keys.meta(), keys.head(0), keys.row(_KEY, 0, "-"), keys.index(_KEY, 0, "-"))
    tried = [*kinds, keys.reply(_KEY)]
    closed = [key for key in tried if await _bars(connection, "UNLINK", key) == _KEYS]
    await connection.call("DISCARD")
    return refused, closed


async def _bars(connection: Connection, *words: Argument) -> str:
    """What this user is refused: the command wholly, its keys, or neither.

    A server that is full or busy is another matter.
    """
    try:
        await connection.call(*words)
    except NotNow:
        return ""
    except Refused as error:
        return _KEYS if " key" in str(error) and "run the" not in str(error) else _ALL
    return ""
