"""A client without any library of ours: streams, written and read with redis-py alone."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import redis
from anyio.from_thread import BlockingPortal

from engine import app
from engine.settings import Settings

Fields: TypeAlias = dict[str, bytes | str]

_BLOCK_MS = 4000
"""Longer than anything takes here, shorter than redis-py's own patience with a reply."""


class PlainClient(NamedTuple):
    """One namespace as any Redis client sees it; it checks nothing of what it writes."""

    redis: Any
    url: str
    namespace: str
    partitions: int

    def key(self, partition: int, name: str) -> str:
        """A key of one partition."""
        return f"{{{self.namespace}:{partition}}}:{name}"

    def add(self, key: str, fields: Fields) -> str:
        """Add an entry as it is; one without fields cannot be, so that one says nothing."""
        entry: str = self.redis.xadd(key, fields or {"": ""}).decode()
        return entry

    def outcome(self, partition: int, entry: str) -> dict[str, Any]:
        """Wait for the one outcome of an entry."""
        key, (ms, seq) = self.key(partition, "outcomes"), entry.split("-")
        below = f"{ms}-{int(seq) - 1}" if int(seq) else f"{int(ms) - 1}-{2**64 - 1}"
        found = self.redis.xread({key: below}, count=1, block=_BLOCK_MS)
        assert found, f"{entry} has no outcome"
        [[_, [(id, fields)]]] = found
        assert id.decode() == entry
        said = {k.decode(): v.decode(errors="replace") for k, v in fields.items()}
        return said | {"detail": json.loads(said["detail"])}

    def forwarded(self, entry: str) -> tuple[int, str]:
        """Wait until an inbox entry has been moved: its partition, and its entry there."""
        key = f"{{{self.namespace}}}:forwarded"
        last = self.redis.xrevrange(key, count=1)
        if not (moved := self.redis.xrange(key, entry, entry)):
            below = last[0][0] if last else "0-0"
            assert self.redis.xread({key: below}, block=_BLOCK_MS), f"{entry} was not moved"
            moved = self.redis.xrange(key, entry, entry)
        [(_, fields)] = moved
        return int(fields[b"partition"]), fields[b"entry"].decode()

    def entries(self) -> tuple[int, int]:
        """How many commands came, and how many outcomes there are."""
        lengths = [
            sum(int(self.redis.xlen(self.key(p, name))) for p in range(self.partitions))
            for name in ("commands", "outcomes")
        ]
        return lengths[0], lengths[1]


@contextmanager
def plainly_served(url: str, portal: BlockingPortal, partitions: int) -> Iterator[PlainClient]:
    """An engine node in this process, on a namespace of its own, and a client of it."""
    namespace = f"test_{secrets.token_hex(4)}"
    settings = Settings(redis=url, namespace=namespace, partitions=partitions)
    roles = [app.engine_role(settings, app.domain_of(settings))]
    with (
        redis.Redis.from_url(url) as client,
        portal.wrap_async_context_manager(app.serving(roles, settings.drain_seconds)) as ready,
    ):
        portal.call(ready.wait)
        yield PlainClient(client, url, namespace, partitions)
