"""A namespace on a real server: those who serve it, and a client."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from os import devnull
from pathlib import Path
from time import monotonic_ns
from typing import Any

import anyio
import redis.asyncio
from redis import Redis

import handlers
import projections
from engine.core import registry
from engine.core.outcome import Outcome
from engine.core.ports import Feed, Ledger
from engine.core.registry import Domain
from engine.runtime.build import Build
from engine.runtime.pace import Pace
from engine.runtime.partition import Partition
from engine.runtime.projector import Projector
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from engine.settings import Settings
from engine.store.keys import Keys
from engine.store.session import RedisSession, open_session
from projections.customers import customers
from tests.eventually import eventually
from tests.faults.checker import Window
from tests.faults.mutants.client import HOME, PARTITIONS, Client, Sent
from tests.faults.mutants.tenancy import Tenancy
from tests.faults.sampler import Sampler
from tests.shop import NO_FULFILMENT

LEASE_SECONDS = 30.0
"""Longer than any scenario: a lease ends when the story says so."""

SHOP = registry.build(
    handlers.deciders, projections.projections, projections.queries, services=NO_FULFILMENT
)

Wrap = Callable[[Any], Any]
"""What stands between a tenant and the store."""


def plain(real: Any) -> Any:
    """Nobody stands between."""
    return real


class World:
    """One namespace; ``lost`` are the times in which answers were given that nobody kept."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url, self.keys = url, Keys(namespace)
        self.redis: Any = Redis.from_url(url, protocol=2)
        self.client = Client(self.redis, self.keys)
        self.lost: list[Window] = []
        self._acquired = 0
        self._servers = [self.redis]
        self.sampler = self._new_sampler()

    def close(self) -> None:
        """Leave nothing behind."""
        for server in self._servers:
            if found := server.keys(f"*{self.keys.namespace}*"):
                server.delete(*found)
            server.close()

    def _new_sampler(self) -> Sampler:
        return Sampler(self.url, self.keys.namespace, PARTITIONS, Path(devnull))

    # -- Those who serve ------------------------------------------------------------------

    @asynccontextmanager
    async def session(self) -> AsyncIterator[RedisSession]:
        """A session on the namespace."""
        async with open_session(self.url, self.keys.namespace) as session:
            await session.create(PARTITIONS)
            yield session

    @asynccontextmanager
    async def owner(
        self,
        wrap: Wrap = plain,
        number: int = HOME,
        token: str = "",
        domain: Domain = SHOP,
        feed: Feed | None = None,
    ) -> AsyncIterator[Tenancy]:
        """Own a partition until the end of the block, on a session of its own."""
        async with self.session() as session:
            lease = session.partition_lease(number)
            token = token or await self.acquire(session, lease)
            tenant = await self._partition(session, number, wrap, domain, feed)
            async with self.served(Tenancy(tenant, token)) as tenancy:
                yield tenancy
            await session.leases.release(lease, token)

    @asynccontextmanager
    async def node(self, wrap: Callable[[RedisSession, Ledger], Any]) -> AsyncIterator[None]:
        """An engine that owns the partition, on one session after the other."""
        shutdown, tenants = Shutdown(), list[Partition]()

        async def work(session: Any) -> None:
            token = await self.acquire(session, session.partition_lease(HOME), "node")
            tenants.append(await self._partition(session, HOME, partial(wrap, session)))
            await tenants[-1].serve(token)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work_on_sessions, self.session, work, shutdown, 5)
            yield
            shutdown.ask()
            for tenant in tenants:
                tenant.stop()

    @asynccontextmanager
    async def projector(self) -> AsyncIterator[Tenancy]:
        """Project the partition's customers until the end of the block."""
        async with self.session() as session:
            lease = session.projection_lease(customers.name, 1, HOME)
            token = await self.acquire(session, lease)
            log = partial(session.log, customers.name, 1, customers.indexes, HOME)
            feed = await session.logs(customers.name, 1)
            build = Build(customers, "", feed, Pace(), _is_kept)
            tenant = Projector(
                build, HOME, session.log_key(HOME), SHOP, log, session.server, Settings()
            )
            async with self.served(Tenancy(tenant, token)) as tenancy:
                yield tenancy
            await session.leases.release(lease, token)

    async def acquire(self, session: RedisSession, lease: str, node: str = "") -> str:
        """Take a lease that nobody holds any more, under a new token."""
        self._acquired += 1
        token, node = f"token-{self._acquired}", node or f"node-{self._acquired}"
        assert await session.leases.acquire(lease, node, token, LEASE_SECONDS)
        return token

    def lapse(self) -> None:
        """The time of the partition's lease is over."""
        self.redis.hset(self.keys.lease(HOME), "until", 0)

    async def _partition(
        self,
        session: RedisSession,
        number: int,
        wrap: Wrap,
        domain: Domain = SHOP,
        feed: Feed | None = None,
    ) -> Partition:
        return Partition(
            number, PARTITIONS, session.secret, session.commands_key(number), domain,
            feed or await session.feed(), lambda token: wrap(session.ledger(number, token)),
            Settings(),
        )  # fmt: skip

    @asynccontextmanager
    async def served(self, tenancy: Tenancy) -> AsyncIterator[Tenancy]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tenancy.serve)
            yield tenancy
            await tenancy.finish()

    # -- Those who look on ----------------------------------------------------------------

    async def answer(self, sent: Sent) -> Outcome:
        """What a client is told."""
        outcome = await eventually(lambda: self.client.told(sent), "an outcome")
        await self.look()
        assert outcome is not None
        return outcome

    async def heard(self, owner: Tenancy) -> None:
        """Until every command is answered, or nobody is there to answer it."""

        def is_over() -> bool:
            answered = [self.client.told(sent) for sent in list(self.client.open)]
            return None not in answered or owner.ended.is_set()

        await eventually(is_over, "the owner answers what is left, or ends")
        await self.look()

    async def projected(self, projector: Tenancy) -> None:
        """Until the checkpoint has reached the head, or the projector stands still."""
        checkpoint, head = self.keys.projection(HOME, customers.name, 1), self.keys.head(HOME)

        def is_over() -> bool:
            reached, position = (self.redis.hget(key, "position") for key in (checkpoint, head))
            return reached == position or projector.ended.is_set()

        await eventually(is_over, "all is projected, or nothing more is")

    async def look(self) -> None:
        """See where every head is."""
        async with redis.asyncio.Redis.from_url(self.url, protocol=2) as watched:
            await self.sampler.look(watched, BytesIO())

    # -- Those who keep copies ------------------------------------------------------------

    def copy(self) -> dict[bytes, bytes]:
        """Everything that stands on the write side, as it is now."""
        keys = self.redis.keys(f"{{{self.keys.namespace}*")
        return {key: self.redis.dump(key) for key in keys if b":projection:" not in key}

    def restore(self, copy: dict[bytes, bytes]) -> None:
        """Go back to a copy; whoever was answered by now can rely on nothing."""
        self.lost.append(Window(0, monotonic_ns()))
        for key, dumped in copy.items():
            self.redis.restore(key, 0, dumped, replace=True)
        self.lapse()
        # Heads that went back by our own hand are not what the sampler is there to see.
        self.sampler = self._new_sampler()

    def forget_rows(self) -> None:
        """Rows and checkpoint go, as where a projection is rebuilt."""
        name = customers.name
        rows = self.redis.keys(f"{self.keys.row(name, 1, '')}*")
        self.redis.delete(self.keys.projection(HOME, name, 1), *rows)

    def replace(self, url: str, copy: dict[bytes, bytes]) -> None:
        """From here on another server is in the place of this one, with a copy of its data."""
        self.url = url
        self.redis = self.client.redis = Redis.from_url(url, protocol=2)
        self._servers.append(self.redis)
        self.restore(copy)


async def _is_kept() -> bool:
    """No generation goes here."""
    return True
