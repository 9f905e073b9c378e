"""Streams as they are read and written from inside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.records import Entry, Mended


class Subscription(Protocol):
    """One stream of a feed, read ahead by a bounded number of entries."""

    async def take(self, seconds: float | None = None) -> list[Entry] | None:
        """The next entries, in order, waiting for the first; None once the feed is closed.

        An empty list where none has come within so many ``seconds``.
        """

    async def hold(self) -> None:
        """Read no more until it is rewound, and wait for a read that is under way."""

    def rewind(self, after: str) -> None:
        """Forget what was read ahead and go on behind ``after``.

        In a feed through a group the group says where to go on. Hold first, then set it: what
        a read brings that comes between would be forgotten here, and given out by the group.
        """

    def close(self) -> None:
        """Stop reading this stream; a waiting ``take`` returns None."""


class Feed(Protocol):
    """Many streams read as they grow."""

    def subscribe(self, key: str, after: str) -> Subscription:
        """Read a stream from behind an id on."""

    def retire(self) -> None:
        """Nobody subscribes any more; whoever still reads ends before long."""


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

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""

    async def reached(self, partitions: int) -> str:
        """The greatest inbox id that stands for a command: noted, or a partition's mark."""

    async def mend(self, done: str, token: str) -> Mended:
        """Do for the inbox what `Ledger.mend` does for commands."""

    async def forward(self, moved: Sequence[tuple[str, int, str]], token: str) -> None:
        """Note where inbox entries went (inbox id, partition, entry); trims the inbox."""


class StreamLook(Protocol):
    """Streams of commands and of their outcomes, for those who look on."""

    async def between(self, key: str, low: str, high: str, count: int) -> Sequence[Entry]:
        """The first entries of a stream from one id to another, both included."""

    async def latest(self, key: str, low: str, high: str, count: int) -> Sequence[Entry]:
        """The last ones, the newest first; ``+`` is its end."""
