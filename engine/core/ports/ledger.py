"""The write side of one partition."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.outcome import Outcome
from engine.core.ports.snapshots import Snapshots
from engine.core.ports.timers import Timers
from engine.core.records import Commit, Head, Mended, StoredEvent


class Histories(Protocol):
    """One partition's aggregates, for whoever brings them to life."""

    async def load(
        self, aggregates: Sequence[str], above: Sequence[int]
    ) -> list[list[StoredEvent]]:
        """The events of aggregates above a version each, in one round trip where it can be."""


class Ledger(Histories, Protocol):
    """One partition, for the one who holds its lease under ``token``."""

    @property
    def timers(self) -> Timers:
        """The partition's timers."""

    @property
    def snapshots(self) -> Snapshots:
        """The snapshots of its aggregates."""

    async def peek(self) -> Head:
        """Read ``head`` as it stands, for who owns nothing; ``branch`` is the last one noted."""

    async def open(self) -> Head:
        """Note the server in ``branches`` and read ``head``; raises `Fenced` or `Torn`."""

    async def commit(self, commit: Commit) -> None:
        """Write one commit, wholly or not at all; raises `Fenced`, `Torn` or `Lost`."""

    async def outcomes(self, below: str, count: int) -> list[Outcome]:
        """Up to ``count`` outcomes below a stream id (``+`` for the end), newest first."""

    async def late(self, below: str, count: int) -> list[Outcome]:
        """The same of late outcomes, by their own ids; each ``entry`` is the command's."""

    async def waiting(self) -> Mapping[str, bytes]:
        """What is kept of the commands that wait, by their stream ids."""

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""

    async def suspect(self, entry: str) -> int:
        """Note which command is about to be tried; answers how many owners died at it."""

    async def acquit(self) -> None:
        """Forget crashes and suspects: what they were about is behind."""

    async def mend(self, done: str) -> Mended:
        """Move commands with an id from the future to ``dead``; raises `Fenced`.

        What others added behind them is added again, so that it sorts where it belongs: no
        entry that remains, and none that comes, lies further in the future than
        `CLOCK_LIMIT_MS`, or than ``done``, the last command that was committed.
        """

    async def trim(self, commands_below: str, outcomes_below: str, late_below: str) -> None:
        """Drop commands and outcomes below an id each, never beyond head; notes ``forgotten``.

        Late outcomes go with others only.
        """

    async def reply(self, replies: Sequence[tuple[str, bytes]], seconds: int) -> None:
        """Push each reply to the list its client named; the lists expire.

        Raises `Refused` when a list could not take its reply; the others got theirs.
        """
