"""One scope of doubt: connections to one server that stand and fall together.

While a session is open, everything read through it came from one server. When any of its
connections breaks, the session's task group ends and with it whoever works inside: what
they knew is forgotten, and they open a new session. This is where the rule of doubt
begins; the runtime's loops are where it ends.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from engine.core.errors import Refused, SemelError, Unavailable, Unfit
from engine.core.projection import Index
from engine.store import namespace
from engine.store.audit import RedisAudit
from engine.store.audit_timers import RedisTimerAudit
from engine.store.builds import RedisBuilds
from engine.store.checkpoints import RedisCheckpoints
from engine.store.clock import now_ms
from engine.store.commands import COMMAND_FIELDS, RedisInbox
from engine.store.connection import Connection
from engine.store.dialling import connect
from engine.store.events import RedisLedger
from engine.store.evidence import RedisEvidence
from engine.store.feed import StreamFeed, ensure_groups
from engine.store.identity import UNIDENTIFIED, require_server, server_of
from engine.store.inspection import RedisInspection
from engine.store.keys import Keys
from engine.store.lifeline import RedisLifeline
from engine.store.looking import RedisStreamLook
from engine.store.names import NamesKeys
from engine.store.ownership import RedisLeases
from engine.store.parked import RedisParked
from engine.store.reactions import RedisReactionLog
from engine.store.readings import RedisAlarms, RedisReadings
from engine.store.roster import RedisRoster
from engine.store.rows import RedisLog
from engine.store.schedules import RedisOccurrences
from engine.store.schemas import RedisSchemas
from engine.store.scripts import Scripts
from engine.store.timers import RedisTimerLook
from engine.store.views import RedisRows, views_only

CONSUMER = "worker"
"""All workers read as one consumer: nothing is left pending, so names would only pile up."""


class RedisSession(NamesKeys):
    """One scope of doubt; see `engine.core.ports.Session`."""

    def __init__(
        self,
        url: str,
        keys: Keys,
        control: Connection,
        server: str,
        tasks: TaskGroup,
    ) -> None:
        super().__init__(keys)
        self._url, self._control = url, control
        self._tasks = tasks
        self._scripts = Scripts(control)
        self._feed: StreamFeed | None = None
        self._log_feeds: list[StreamFeed] = []
        self.server = server
        self.partitions, self.secret = 0, b""
        self.leases = RedisLeases(control, self._scripts, server)
        self.roster = RedisRoster(control, keys)
        self.rows = RedisRows(views_only(control, self._scripts, keys), keys)
        self.checkpoints = RedisCheckpoints(control, keys)
        self.inspection = RedisInspection(control, keys)
        self.audit = RedisAudit(control, keys)
        self.timers = RedisTimerLook(control, keys)
        self.streams = RedisStreamLook(control)
        self.occurrences = RedisOccurrences(control, self._scripts, keys)
        self.timer_audit = RedisTimerAudit(control, keys)
        self.parked = RedisParked(control, self._scripts, keys)
        self.readings = RedisReadings(control, self._scripts, keys)
        self.alarms = RedisAlarms(control, self._scripts, keys)
        self.schemas = RedisSchemas(control, keys)

    @property
    def builds(self) -> RedisBuilds:
        """The generations of read models."""
        return RedisBuilds(self._control, self._scripts, self._keys, self.partitions)

    async def check_server(self) -> None:
        """Raise `Lost` if the server is not what it was: another history, or a replica now.

        Raises `Unfit` where this user may not ask which server it is.
        """
        if self.server == UNIDENTIFIED:
            raise Unfit("Redis refuses INFO to this user: an engine must know its server (+info)")
        await require_server(self._control, self.server)

    async def create(self, partitions: int) -> None:
        """Create the namespace unless it exists, and learn its number of partitions."""
        await namespace.create(self._control, self._keys, partitions)
        await self.enter(None)

    async def enter(self, expected: int | None) -> None:
        """Learn the namespace's number of partitions; raises `NotFound` or `Unfit`."""
        self.partitions, self.secret = await namespace.read(self._control, self._keys, expected)

    async def feed(self) -> StreamFeed:
        """The feed over streams that are read by position; the same one at every call.

        Raises `Lost` where only a replica answers.
        """
        if self._feed is None:
            await require_server(self._control, self.server)
            self._feed = self._open_feed("", "")
        return self._feed

    def log_feed(self) -> StreamFeed:
        """A feed of its own over logs, which are read by position."""
        return self._open_feed("", "")

    async def logs(self, projection: str, generation: int) -> StreamFeed:
        """A feed over logs, through the consumer group of a generation."""
        group = f"{projection}@{generation}"
        logs = [self._keys.log(partition) for partition in range(self.partitions)]
        await ensure_groups(self._control, logs, group)
        for feed in self._log_feeds:
            if feed.takes_up(group):
                return feed
        feed = self._open_feed(group, CONSUMER)
        self._log_feeds.append(feed)
        return feed

    def ledger(self, partition: int, token: str) -> RedisLedger:
        """A partition for its owner."""
        return RedisLedger(
            self._control,
            self._scripts,
            self._keys,
            self.server,
            partition,
            self.partitions,
            token,
        )

    def inbox(self) -> RedisInbox:
        """The inbox for its owner."""
        return RedisInbox(self._control, self._scripts, self._keys)

    def log(
        self, projection: str, generation: int, indexes: Sequence[Index], partition: int, token: str
    ) -> RedisLog:
        """A partition's log for a projector."""
        return RedisLog(
            self._control,
            self._scripts,
            self._keys,
            projection,
            generation,
            indexes,
            partition,
            token,
        )

    def reaction_log(self, name: str, partition: int, token: str) -> RedisReactionLog:
        """A partition's log for a router."""
        return RedisReactionLog(self._control, self._scripts, self._keys, name, partition, token)

    def evidence(self, projection: str, generation: int, indexes: Sequence[Index]) -> RedisEvidence:
        """What an audit reads of one generation."""
        return RedisEvidence(
            self._control, self._scripts, self._keys, self.partitions, projection, generation,
            indexes,
        )  # fmt: skip

    def submit(
        self, partition: int, fields: Mapping[str, bytes], done: Callable[[str | SemelError], None]
    ) -> None:
        """Add a command, in the order of the calls; see `engine.core.ports.Session`."""

        def answered(reply: "asyncio.Future[bytes]") -> None:
            error = None if reply.cancelled() else reply.exception()
            if error is None:
                done(reply.result().decode())
            elif isinstance(error, Refused):
                refusal = Unavailable(f"Redis did not take the command: {error}")
                refusal.__cause__ = error
                done(refusal)

        flat = [part for name in COMMAND_FIELDS for part in (name, fields[name])]
        sent = self._control.call("XADD", self._keys.commands(partition), "*", *flat)
        sent.add_done_callback(answered)

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    def lifeline(self, node: str, seconds: float) -> RedisLifeline:
        """What keeps this process's leases alive, each for so long."""
        return RedisLifeline(self._url, self._keys, node, seconds)

    def _open_feed(self, group: str, consumer: str) -> StreamFeed:
        return StreamFeed(self._dial, self._tasks, self._control, group, consumer)

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[Connection]:
        """Another connection to the same server; raises `Lost` where it leads elsewhere."""
        async with connect(self._url) as connection, anyio.create_task_group() as tasks:
            tasks.start_soon(connection.run)
            # An address may lead elsewhere by now: what is read must be what is written to.
            await require_server(connection, self.server)
            yield connection
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def open_session(url: str, namespace_name: str) -> AsyncIterator[RedisSession]:
    """Open one scope of doubt; raises `Unavailable` when Redis is away.

    Inside, a broken connection cancels what is under way, and `Lost` comes out of the
    ``async with``, perhaps in an exception group.
    """
    async with connect(url) as control, anyio.create_task_group() as tasks:
        tasks.start_soon(control.run)
        server = await server_of(control)
        yield RedisSession(url, Keys(namespace_name), control, server, tasks)
        tasks.cancel_scope.cancel()
