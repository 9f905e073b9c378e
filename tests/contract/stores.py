"""The stores that the contract is held against: in memory, on fakeredis, on real servers.

Beside sessions each gives a test a stranger's hands: to look at every key of the
namespace, and to write what no engine would.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from redis import Redis

from engine.core.ports import Session
from engine.store.keys import Keys
from engine.store.memory import MemoryServer, open_memory_session
from engine.store.session import open_session

PARTITIONS = 4

Dump = dict[str, Any]
"""Every key of a namespace as plain data; equal data is equal on every store."""


class Store(Protocol):
    """One empty namespace on some store."""

    name: str
    keys: Keys

    def session(self) -> Any:
        """An ``async with`` that opens a session of the namespace, created if need be."""

    def dump(self) -> Dump:
        """Every key of the namespace."""

    def now_ms(self) -> int:
        """The store's clock, in milliseconds since 1970."""

    def add(self, key: str, fields: Mapping[str, str | bytes], id: str = "*") -> str:
        """Add an entry to a stream, as any client may."""

    def write(self, key: str, fields: Mapping[str, str]) -> None:
        """Set fields of a hash."""

    def rank(self, key: str, member: str, score: float) -> None:
        """Set a member's score in a sorted set."""

    def unrank(self, key: str, member: str) -> None:
        """Take a member out of a sorted set."""

    def plant(self, key: str) -> None:
        """Put a text where something else belongs."""

    def remove(self, key: str) -> None:
        """Remove a key."""

    def delete(self, key: str, id: str) -> None:
        """Delete an entry of a stream."""

    def trim(self, key: str, first: str) -> None:
        """Drop a stream's entries below an id."""

    def lifetime_ms(self, key: str) -> int:
        """How long a key will stand; -1 for ever."""


class MemoryStore:
    """A server of its own, in memory."""

    name = "memory"

    def __init__(self, namespace: str) -> None:
        self.keys = Keys(namespace)
        self.server = MemoryServer()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with open_memory_session(self.server, self.keys.namespace) as session:
            await session.create(PARTITIONS)
            yield session

    def dump(self) -> Dump:
        return self.server.data.dump()

    def now_ms(self) -> int:
        return self.server.now_ms()

    def add(self, key: str, fields: Mapping[str, str | bytes], id: str = "*") -> str:
        raw = {
            name.encode(): v if isinstance(v, bytes) else v.encode() for name, v in fields.items()
        }
        return self.server.add(key, raw, id)

    def write(self, key: str, fields: Mapping[str, str]) -> None:
        self.server.data.put(key, fields)

    def rank(self, key: str, member: str, score: float) -> None:
        ranking = self.server.data.ranking(key)
        ranking[member] = score
        self.server.data.keep(key, ranking)

    def unrank(self, key: str, member: str) -> None:
        ranking = self.server.data.ranking(key)
        ranking.pop(member, None)
        self.server.data.keep(key, ranking)

    def plant(self, key: str) -> None:
        self.server.data.plant(key, "planted")

    def remove(self, key: str) -> None:
        self.server.data.remove(key)

    def delete(self, key: str, id: str) -> None:
        entries = self.server.data.stream(key).entries
        entries[:] = [entry for entry in entries if entry.id != id]

    def trim(self, key: str, first: str) -> None:
        self.server.data.stream(key).trim(first)

    def lifetime_ms(self, key: str) -> int:
        at = self.server.data._expires.get(key)
        return -1 if at is None else at - self.now_ms()


class RedisStore:
    """A namespace on a server that speaks Redis's protocol."""

    def __init__(self, name: str, url: str, namespace: str) -> None:
        self.name, self.url = name, url
        self.keys = Keys(namespace)
        self.redis: Any = Redis.from_url(url, protocol=2)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with open_session(self.url, self.keys.namespace) as session:
            await session.create(PARTITIONS)
            yield session

    def dump(self) -> Dump:
        found = self.redis.keys(f"*{self.keys.namespace}*")
        return {key.decode(): self._plain(key.decode()) for key in found}

    def now_ms(self) -> int:
        seconds, micros = self.redis.time()
        return int(seconds * 1000 + micros // 1000)

    def add(self, key: str, fields: Mapping[str, str | bytes], id: str = "*") -> str:
        return str(self.redis.xadd(key, fields, id).decode())

    def write(self, key: str, fields: Mapping[str, str]) -> None:
        self.redis.hset(key, mapping=fields)

    def rank(self, key: str, member: str, score: float) -> None:
        self.redis.zadd(key, {member: score})

    def unrank(self, key: str, member: str) -> None:
        self.redis.zrem(key, member)

    def plant(self, key: str) -> None:
        self.redis.set(key, "planted")

    def remove(self, key: str) -> None:
        self.redis.delete(key)

    def delete(self, key: str, id: str) -> None:
        self.redis.xdel(key, id)

    def trim(self, key: str, first: str) -> None:
        self.redis.xtrim(key, minid=first, approximate=False)

    def lifetime_ms(self, key: str) -> int:
        return int(self.redis.pttl(key))

    def close(self) -> None:
        """Remove the namespace."""
        found = self.redis.keys(f"*{self.keys.namespace}*")
        if found:
            self.redis.delete(*found)
        self.redis.close()

    def _plain(self, key: str) -> Any:
        match self.redis.type(key):
            case b"stream":
                entries = [(id.decode(), fields) for id, fields in self.redis.xrange(key)]
                groups = self.redis.xinfo_groups(key)
                return entries, {
                    g["name"].decode(): g["last-delivered-id"].decode() for g in groups
                }
            case b"hash":
                return {n.decode(): v.decode() for n, v in self.redis.hgetall(key).items()}
            case b"zset":
                ranked = self.redis.zrange(key, 0, -1, withscores=True)
                return [(member.decode(), score) for member, score in ranked]
            case b"list":
                return self.redis.lrange(key, 0, -1)
        return self.redis.get(key).decode()
