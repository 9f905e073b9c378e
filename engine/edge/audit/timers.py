"""Auditing timers, while they may be set and fire."""

from typing import TYPE_CHECKING

from engine.core.audit.findings import Finding, confirmed
from engine.core.audit.timers import judge_timer

if TYPE_CHECKING:
    from engine.app import RedisSession


class TimerAudit:
    """The timers of one partition."""

    def __init__(self, session: "RedisSession", partition: int) -> None:
        self._audit, self._partition = session.timer_audit, partition
        self.count = 0

    async def run(self) -> list[Finding]:
        """Read and judge them all; what is wrong is read once more, and reported if found again."""
        first = await self._judge()
        return confirmed(first, await self._judge()) if first else first

    async def _judge(self) -> list[Finding]:
        # What was not handled by now stands behind this in the stream, if it was a command.
        handled = await self._audit.handled(self._partition)
        reads = {
            read.key: read async for page in self._audit.read(self._partition) for read in page
        }
        self.count = len(reads)
        has_fired = any(read.timer and read.at is None for read in reads.values())
        sent = await self._audit.sent(self._partition, handled) if has_fired else set[str]()
        names = self._audit.names(self._partition)
        return [found for read in reads.values() for found in judge_timer(names, read, sent)]
