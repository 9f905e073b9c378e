"""A bank in memory with its routers: where reactions are tried."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import msgspec

from engine import Command, Router
from engine.core import registry
from engine.core.outcome import Status
from engine.core.ports import Session
from engine.core.reactions import with_reactions
from engine.core.routed import Bounds, routing
from engine.runtime.reaction import Reaction
from tests import transfers
from tests.eventually import eventually
from tests.runtime.meddling import Death, Meddler
from tests.runtime.stage import LEASE_SECONDS, PARTITIONS, Stage, home

NAME = "transfers"


class Bank:
    """Accounts, transfers, and who routes between them."""

    def __init__(self, *routes: Any, **settings: Any) -> None:
        self.stage = Stage(**settings)
        routers = transfers.routers
        if routes:
            routers = [Router(name=NAME, routes=routes)]
        self.stage.domain = with_reactions(registry.build(transfers.deciders), routers)
        self.wrap: dict[str, Any] = {}
        """What happens around calls of a reaction's log; see `Meddler`."""
        self._tokens = 0

    async def reaction(self, session: Session, partition: int) -> Reaction:
        """Who routes one partition, ready to be served."""
        settings = self.stage.settings
        bounds = Bounds(1_000_000, settings.events_per_command, settings.causation_depth)
        route = routing(self.stage.domain, NAME, PARTITIONS, session.secret, bounds)
        return Reaction(
            NAME,
            route,
            partition,
            session.log_key(partition),
            session.log_feed(),
            lambda token: self._meddled(session.reaction_log(NAME, partition, token)),
            session.server,
            settings,
        )

    def _meddled(self, log: Any) -> Any:
        return Meddler(log, **self.wrap)

    async def acquire(self, session: Session, partition: int) -> str:
        """Take the lease of a partition's router, whose former holder is dead or gone."""
        self._tokens += 1
        token = f"token-r{self._tokens}"
        self.stage.clock.now += LEASE_SECONDS + 1
        key = session.reaction_lease(NAME, partition)
        assert await session.leases.acquire(key, f"node-{token}", token, LEASE_SECONDS)
        return token

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        """Own all partitions."""
        async with AsyncExitStack() as stack:
            for partition in range(PARTITIONS):
                await stack.enter_async_context(self.stage.owner(partition))
            yield

    @asynccontextmanager
    async def routed(self, partitions: Iterable[int] = range(PARTITIONS)) -> AsyncIterator[None]:
        """Have partitions routed, with the code as it is now."""
        async with self.stage.session() as session, anyio.create_task_group() as tasks:
            served = []
            for partition in partitions:
                served.append(await self.reaction(session, partition))
                tasks.start_soon(served[-1].serve, await self.acquire(session, partition))
            yield
            for each in served:
                each.stop()

    async def life(self, partition: int, over: Callable[[], bool]) -> bool:
        """One router's life, up to its death; False if it lived until something was true."""
        died = anyio.Event()
        async with self.stage.session() as session, anyio.create_task_group() as tasks:
            reaction = await self.reaction(session, partition)
            token = await self.acquire(session, partition)

            async def live() -> None:
                try:
                    await reaction.serve(token)
                except Death:
                    died.set()

            tasks.start_soon(live)
            await eventually(lambda: died.is_set() or over(), "it has ended")
            tasks.cancel_scope.cancel()
        return died.is_set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Engine and routers, all of them."""
        async with self.engine(), self.routed():
            yield

    def send(self, command: Command, aggregate: str, **more: Any) -> str:
        """Give a command, as a client does."""
        return self.stage.send(type(command).__name__, aggregate, command.model_dump(), **more)

    def begin(self, number: int, amount: int = 1, source: str = "account-a", **more: Any) -> str:
        """Begin a transfer from one account to another."""
        begin = transfers.Begin(source=source, target="account-b", amount=amount)
        self.send(begin, f"transfer-{number}", id=f"t-{number}", **more)
        return f"transfer-{number}"

    def position(self, partition: int) -> int:
        """How far the router has come in a partition."""
        return int(self.place(partition).get("position", 0))

    def place(self, partition: int) -> dict[str, str]:
        """A router's checkpoint, with all that stands beside it."""
        return dict(self.stage.server.data.hash(self.stage.keys.reaction(partition, NAME)))

    def marks(self, partition: int) -> dict[str, str]:
        """The marks of all sources at a partition."""
        return dict(self.stage.server.data.hash(self.stage.keys.sources(partition)))

    def is_read(self, partition: int) -> bool:
        """Whether a partition's router has read its log to the end."""
        return self.position(partition) == len(self.stage.log(partition))

    def is_answered(self) -> bool:
        """Whether all commands that there are have their outcome."""
        return not any(map(self.stage.outcomes_due, range(PARTITIONS)))

    async def settled(self) -> None:
        """Until all commands are answered, and all that follows from them."""

        def is_settled() -> bool:
            return self.is_answered() and all(map(self.is_read, range(PARTITIONS)))

        await eventually(is_settled, "all is settled", 10)

    def state(self, aggregate: str) -> Any:
        """An aggregate's state, from its events."""
        decider = self.stage.domain.deciders[aggregate.partition("-")[0]]
        key = self.stage.keys.events(home(aggregate), aggregate)
        state = decider.initial
        for entry in self.stage.server.data.stream(key).entries:
            kind, meta = entry.fields[b"type"].decode(), entry.fields[b"meta"]
            state = decider.evolve(
                state, self.stage.domain.decode_event(kind, entry.fields[b"data"], meta)
            )
        return state

    def commands(self) -> list[dict[str, Any]]:
        """Every command that is in a stream, in no order but each stream's."""
        return [
            {name.decode(): value.decode() for name, value in entry.fields.items()}
            for partition in range(PARTITIONS)
            for entry in self.stage.server.data.stream(self.stage.keys.commands(partition)).entries
        ]

    def from_inside(self) -> list[dict[str, Any]]:
        """Those that a router asked for, with their ``meta`` read."""
        return [
            {**each, "meta": msgspec.json.decode(each["meta"])}
            for each in self.commands()
            if "/" in each.get("id", "")
        ]

    def logged(self, kind: str) -> list[dict[str, Any]]:
        """All entries of one type in the logs, with what is JSON in them read."""
        return [
            {
                "aggregate": entry.fields[b"aggregate"].decode(),
                "version": entry.fields[b"version"].decode(),
                "data": msgspec.json.decode(entry.fields[b"data"]),
                "meta": msgspec.json.decode(entry.fields[b"meta"]),
            }
            for partition in range(PARTITIONS)
            for entry in self.stage.server.data.stream(self.stage.keys.log(partition)).entries
            if entry.fields[b"type"] == kind.encode()
        ]

    def require_once(self, finished: int, cancelled: int = 0) -> None:
        """So many transfers are over; no command came twice, no money is lost or made."""
        twice = [
            id
            for id, count in Counter(each["id"] for each in self.from_inside()).items()
            if count > 1
        ]
        assert not twice
        duplicates = [
            one for p in range(PARTITIONS) for one in self.stage.outcomes(p)
            if one.status is Status.DUPLICATE
        ]  # fmt: skip
        assert not duplicates
        assert (len(self.logged("Finished")), len(self.logged("Cancelled"))) == (
            finished,
            cancelled,
        )
        assert self.state("account-b") == finished
