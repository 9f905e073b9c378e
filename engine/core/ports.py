"""What the floors above need of a store, as Protocols: here the floors meet.

A `Session` is one scope of doubt: everything read through it came from one server over
unbroken connections. When any of them breaks every call raises `Lost`, and the session is
thrown away whole.

Stream ids are text, ``<ms>-<seq>``. Bytes stay bytes until the core has judged them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.core.errors import SemelError
from engine.core.outcome import Outcome
from engine.core.projection import Index
from engine.core.records import (
    Checkpoint,
    Commit,
    Entry,
    Head,
    LoggedEvent,
    RowChange,
    StoredEvent,
)


class Leases(Protocol):
    """Acquire, renew and give back leases; each is named by its key."""

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""

    async def acquire_all(
        self, tokens: Mapping[str, str], node: str, seconds: float
    ) -> Sequence[str]:
        """Take leases, each under its token, in one round trip; returns those that we got."""

    async def renew(self, key: str, token: str, seconds: float) -> bool:
        """Hold on to a lease; False when it is not ours any more."""

    async def renew_all(self, tokens: Mapping[str, str], seconds: float) -> Sequence[str]:
        """Hold on to leases, in one round trip; returns those that are not ours any more."""

    async def release(self, key: str, token: str) -> None:
        """Give a lease back, if it is still ours."""


class Subscription(Protocol):
    """One stream of a feed, read ahead by a bounded number of entries."""

    async def take(self) -> list[Entry] | None:
        """The next entries, in order, waiting for the first; None once the feed is closed."""

    def rewind(self, after: str) -> None:
        """Forget what was read ahead and go on behind ``after``.

        In a feed through a group the group says where to go on: set it first.
        """

    def close(self) -> None:
        """Stop reading this stream; a waiting ``take`` returns None."""


class Feed(Protocol):
    """Many streams read over one blocking connection."""

    def subscribe(self, key: str, after: str) -> Subscription:
        """Read a stream from behind an id on."""

    async def run(self) -> None:
        """Read until cancelled, for whoever subscribed."""


class Ledger(Protocol):
    """One partition, for the one who holds its lease under ``token``."""

    async def open(self) -> Head:
        """Note the server in ``branches`` and read ``head``; raises `Fenced` or `Torn`."""

    async def load(
        self, aggregates: Sequence[str], above: Sequence[int]
    ) -> list[list[StoredEvent]]:
        """The events of aggregates above a version each, in one round trip where it can be."""

    async def commit(self, commit: Commit) -> None:
        """Write one commit, wholly or not at all; raises `Fenced`, `Torn` or `Lost`."""

    async def outcomes(self, below: str, count: int) -> list[Outcome]:
        """Up to ``count`` outcomes below a stream id (``+`` for the end), newest first."""

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""

    async def trim(self, commands_below: str, outcomes_below: str) -> None:
        """Drop commands and outcomes below an id each, never beyond head; notes ``forgotten``."""

    async def reply(self, replies: Sequence[tuple[str, bytes]], seconds: int) -> None:
        """Push each reply to the list its client named; the lists expire.

        Raises `Refused` when a list could not take its reply; the others got theirs.
        """


class Inbox(Protocol):
    """The front door for clients that cannot compute a partition, for its lease's holder."""

    async def last_forwarded(self) -> str:
        """The inbox id up to which ``forwarded`` reaches."""

    async def submit(
        self, partition: int, expected: str, mark: str, entries: Sequence[Mapping[str, bytes]]
    ) -> tuple[str, list[str]]:
        """Add entries to a partition and move the inbox's mark there, in one step.

        When the mark is ``expected``: returns ``mark`` and the new entries' ids. Else
        nothing is written: returns the mark found, and no ids.
        """

    async def forward(self, moved: Sequence[tuple[str, int, str]], token: str) -> None:
        """Note where inbox entries went (inbox id, partition, entry); trims the inbox."""


class Log(Protocol):
    """One partition's log and one generation's checkpoint in it, for its lease's holder."""

    async def checkpoint(self) -> Checkpoint:
        """How far this generation has come."""

    async def head_position(self) -> int:
        """How far the log reaches."""

    async def event_at(self, position: int) -> LoggedEvent | None:
        """One event of the log."""

    async def seek(self, position: int) -> None:
        """Set the consumer group so that the event after ``position`` is read next."""

    async def branch(self) -> str:
        """The branch that the log is written on now; "" before its first owner."""

    async def apply(self, built_on: int, reached: Checkpoint, changes: Sequence[RowChange]) -> None:
        """Write rows, indexes and checkpoint in one step; raises `Fenced` or `Torn`."""


class Rows(Protocol):
    """Rows and indexes, read only."""

    async def live(self, projection: str) -> int:
        """The generation that queries read."""

    async def rows(
        self, projection: str, generation: int, ids: Sequence[str]
    ) -> list[dict[str, str]]:
        """Rows' fields, by id; an empty dict for a row that is not there."""

    async def members(  # noqa: PLR0913 -- a slice of one group of one index of one generation
        self,
        projection: str,
        generation: int,
        index: str,
        group: Sequence[str],
        start: int,
        count: int,
        newest_first: bool,  # noqa: FBT001
    ) -> tuple[list[str], int]:
        """A slice of an index group's row ids, and how many the group has in all."""

    async def applied(self, projection: str, generation: int, partition: int) -> Checkpoint:
        """A generation's checkpoint in a partition."""


class Session(Protocol):
    """One scope of doubt of an engine or a worker."""

    @property
    def partitions(self) -> int:
        """How many partitions the namespace has."""

    @property
    def secret(self) -> bytes:
        """What the ids that the engine makes are tagged with (`engine.core.inside`)."""

    @property
    def leases(self) -> Leases:
        """The leases of this namespace."""

    @property
    def rows(self) -> Rows:
        """The read side."""

    def partition_lease(self, partition: int) -> str:
        """The name of a partition's lease."""

    def inbox_lease(self) -> str:
        """The name of the inbox's lease."""

    def projection_lease(self, projection: str, generation: int, partition: int) -> str:
        """The name of a projector's lease."""

    async def feed(self) -> Feed:
        """The feed over streams that are read by position; the same one at every call."""

    def commands_key(self, partition: int) -> str:
        """A partition's command stream."""

    def outcomes_key(self, partition: int) -> str:
        """A partition's stream of outcomes."""

    def inbox_key(self) -> str:
        """The inbox."""

    async def logs(self, projection: str, generation: int) -> Feed:
        """A feed over logs, through the consumer group of a generation."""

    def log_key(self, partition: int) -> str:
        """A partition's log."""

    def ledger(self, partition: int, token: str) -> Ledger:
        """A partition for its owner."""

    def inbox(self) -> Inbox:
        """The inbox for its owner."""

    def log(
        self, projection: str, generation: int, indexes: Sequence[Index], partition: int, token: str
    ) -> Log:
        """A partition's log for a projector."""

    def submit(
        self, partition: int, fields: Mapping[str, bytes], done: Callable[[str | SemelError], None]
    ) -> None:
        """Add a command, in the order of the calls.

        ``done`` is told its stream id, or why it was not added. It is not called at all
        when the session breaks first: whether the command was added is then not known.
        """

    async def generation(self, projection: str) -> int:
        """The generation that is live; the first caller makes it 1."""

    async def beat(self, node: str, about: Mapping[str, str], seconds: float) -> None:
        """Say that this process lives."""

    async def farewell(self, node: str) -> None:
        """Say that this process ends."""
