"""One scope of doubt on a server in memory."""

import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio

from engine.core.errors import Lost, NotFound, Refused, SemelError, Unavailable, Unfit
from engine.core.projection import Index
from engine.store.keys import Keys
from engine.store.memory.builds import MemoryBuilds
from engine.store.memory.checkpoints import MemoryCheckpoints
from engine.store.memory.commands import MemoryInbox, command_fields
from engine.store.memory.events import MemoryLedger
from engine.store.memory.evidence import MemoryEvidence
from engine.store.memory.feed import MemoryFeed
from engine.store.memory.inspection import MemoryInspection
from engine.store.memory.looking import MemoryStreamLook
from engine.store.memory.ownership import MemoryLeases
from engine.store.memory.parked import MemoryParked
from engine.store.memory.reactions import MemoryReactionLog
from engine.store.memory.readings import MemoryAlarms, MemoryReadings
from engine.store.memory.roster import MemoryLifeline, MemoryRoster
from engine.store.memory.rows import MemoryLog
from engine.store.memory.schedules import MemoryOccurrences
from engine.store.memory.schemas import MemorySchemas
from engine.store.memory.server import Link, MemoryServer
from engine.store.memory.timers import MemoryTimerLook
from engine.store.memory.views import MemoryRows, views_only
from engine.store.names import NamesKeys
from engine.store.namespace import FORMAT, SECRET_BYTES

Answer = tuple[Callable[[str | SemelError], None], str | SemelError]


class MemorySession(NamesKeys):
    """One scope of doubt; see `engine.core.ports.Session`."""

    def __init__(self, link: Link, keys: Keys) -> None:
        super().__init__(keys)
        self._link = link
        self._answers: deque[Answer] = deque()
        self._answered = anyio.Event()
        self._feed = MemoryFeed(link)
        self.partitions, self.secret = 0, b""
        self.server = link.run
        self.leases = MemoryLeases(link)
        self.roster = MemoryRoster(link, keys)
        self.rows = MemoryRows(views_only(link, keys), keys)
        self.checkpoints = MemoryCheckpoints(link, keys)
        self.inspection = MemoryInspection(link, keys)
        self.timers = MemoryTimerLook(link, keys)
        self.streams = MemoryStreamLook(link)
        self.occurrences = MemoryOccurrences(link, keys)
        self.parked = MemoryParked(link, keys)
        self.readings = MemoryReadings(link, keys)
        self.alarms = MemoryAlarms(link, keys)
        self.schemas = MemorySchemas(link, keys)

    async def create(self, partitions: int) -> None:
        """Create the namespace unless it exists, and learn its number of partitions."""
        data = await self._link.turn()
        secret = secrets.token_hex(SECRET_BYTES)
        new = {"format": str(FORMAT), "partitions": str(partitions), "secret": secret}
        data.put(self._keys.meta(), new | data.hash(self._keys.meta()))
        await self.enter(None)

    async def enter(self, expected: int | None) -> None:
        """Learn the namespace's number of partitions; raises `NotFound` or `Unfit`."""
        data = await self._link.turn()
        meta = data.hash(self._keys.meta())
        if not {"format", "partitions", "secret"} <= meta.keys():
            raise NotFound(f"there is no namespace {self._keys.namespace!r} here yet")
        partitions = int(meta["partitions"])
        if int(meta["format"]) != FORMAT:
            raise Unfit(f"the namespace has format {meta['format']}, this release speaks {FORMAT}")
        if expected is not None and partitions != expected:
            raise Unfit(f"the namespace has {partitions} partitions, the setting says {expected}")
        self.partitions, self.secret = partitions, meta["secret"].encode()

    async def feed(self) -> MemoryFeed:
        """The feed over streams that are read by position; the same one at every call."""
        await self._link.turn()
        return self._feed

    def log_feed(self) -> MemoryFeed:
        """A feed of its own over logs, which are read by position."""
        return MemoryFeed(self._link)

    async def logs(self, projection: str, generation: int) -> MemoryFeed:
        """A feed over logs, through the consumer group of a generation."""
        data = await self._link.turn()
        group = f"{projection}@{generation}"
        for partition in range(self.partitions):
            key = self._keys.log(partition)
            log = data.stream(key)
            log.groups.setdefault(group, "0-0")
            data.keep(key, log)
        return MemoryFeed(self._link, group)

    def ledger(self, partition: int, token: str) -> MemoryLedger:
        """A partition for its owner."""
        return MemoryLedger(self._link, self._keys, partition, self.partitions, token)

    def inbox(self) -> MemoryInbox:
        """The inbox for its owner."""
        return MemoryInbox(self._link, self._keys)

    def log(
        self, projection: str, generation: int, indexes: Sequence[Index], partition: int, token: str
    ) -> MemoryLog:
        """A partition's log for a projector."""
        return MemoryLog(self._link, self._keys, projection, generation, indexes, partition, token)

    def reaction_log(self, name: str, partition: int, token: str) -> MemoryReactionLog:
        """A partition's log for a router."""
        return MemoryReactionLog(self._link, self._keys, name, partition, token)

    def evidence(
        self, projection: str, generation: int, indexes: Sequence[Index]
    ) -> MemoryEvidence:
        """What an audit reads of one generation."""
        return MemoryEvidence(
            self._link, self._keys, self.partitions, projection, generation, indexes
        )

    def submit(
        self, partition: int, fields: Mapping[str, bytes], done: Callable[[str | SemelError], None]
    ) -> None:
        """Add a command, in the order of the calls; see `engine.core.ports.Session`."""
        told: str | SemelError
        try:
            self._link.data()
            told = self._link.server.add(self._keys.commands(partition), command_fields(fields))
        except Refused as error:
            told = Unavailable(f"the server in memory did not take the command: {error}")
        except Lost:
            return
        self._answers.append((done, told))
        self._answered.set()

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    @property
    def builds(self) -> MemoryBuilds:
        """The generations of read models."""
        return MemoryBuilds(self._link, self._keys, self.partitions)

    async def check_server(self) -> None:
        """Raise `Lost` if the server is not what it was."""
        await self._link.turn()

    def lifeline(self, node: str, seconds: float) -> MemoryLifeline:
        """What keeps this process's leases alive, each for so long."""
        return MemoryLifeline(self._link, self._keys, node, seconds)

    async def answer(self) -> None:
        """Tell those who submitted what became of it, in order, until cancelled."""
        while True:
            await self._answered.wait()
            self._answered = anyio.Event()
            while self._answers and not self._link.broken.is_set():
                done, told = self._answers.popleft()
                done(told)


@asynccontextmanager
async def open_memory_session(server: MemoryServer, namespace: str) -> AsyncIterator[MemorySession]:
    """Open one scope of doubt; raises `Unavailable` while the server is stopped.

    Inside, a broken session cancels what is under way, and `Lost` comes out of the
    ``async with``, in an exception group.
    """
    link = server.connect()
    try:
        async with anyio.create_task_group() as tasks:
            session = MemorySession(link, Keys(namespace))
            tasks.start_soon(session.answer)
            tasks.start_soon(_watch, link)
            yield session
            tasks.cancel_scope.cancel()
    finally:
        link.broken.set()
        server.disconnect(link)


async def _watch(link: Link) -> None:
    await link.broken.wait()
    raise Lost("the session was broken")
