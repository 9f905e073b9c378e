"""A server that is killed, comes back with its data, or is replaced by an older copy of itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from engine.edge.binary import Binary
from engine.edge.probe import spare_port
from tests.eventually import eventually
from tests.faults.clock import Clock
from tests.faults.program import Program

_START_SECONDS = 20
"""Loading the file of a long run takes a while."""

_SETTINGS = {
    "bind": "127.0.0.1",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
    "stream-node-max-bytes": "2048",
    "repl-diskless-sync-delay": "0",
}


class Server:
    """One port and one directory."""

    def __init__(self, binary: Binary, place: Path, name: str, clock: Clock) -> None:
        self.binary, self.clock, self.port = binary, clock, spare_port()
        data = place / name
        data.mkdir()
        settings = {**_SETTINGS, "port": str(self.port), "dir": str(data)}
        words = [w for key, value in settings.items() for w in (f"--{key}", value)]
        command = [str(binary.path), *words]
        self.program = Program(name, command, place / f"{name}.log", clock.environment)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[Any]:
        """A straight connection, past every proxy; it never tries twice."""
        redis = Redis.from_url(
            self.url, protocol=2, decode_responses=True, socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        try:
            yield redis
        finally:
            with anyio.CancelScope(shield=True):
                await redis.aclose()

    async def start(self) -> None:
        """Start it, on whatever data it has, and wait until it answers."""
        self.program.start()
        await eventually(self._answers, f"{self.program.name} answers", _START_SECONDS)

    async def _answers(self) -> bool:
        assert self.program.is_up, f"{self.program.name} ended: {self.program.last_words}"
        try:
            async with self.admin() as redis:
                info = await redis.info()
        except RedisError:
            return False
        return bool(info["process_id"] == self.program.process.pid and not info["loading"])

    async def follow(self, source: "Server") -> None:
        """Become a replica, and wait until it has what there was. After a restart it is none."""
        async with self.admin() as redis:
            await redis.replicaof("127.0.0.1", source.port)
        await eventually(self._follows, f"{self.program.name} follows", _START_SECONDS)

    async def _follows(self) -> bool:
        async with self.admin() as redis:
            return bool((await redis.info("replication"))["master_link_status"] == "up")

    async def part(self) -> None:
        """Take nothing more from its source. It has what it has."""
        async with self.admin() as redis:
            await redis.replicaof("NO", "ONE")
