"""Auditing snapshots, while owners may write newer ones."""

from typing import TYPE_CHECKING

from engine.core.audit.findings import Finding, confirmed
from engine.core.audit.snapshots import SnapshotJudge
from engine.core.registry import Domain

if TYPE_CHECKING:
    from engine.app import Kept, RedisSession


class SnapshotAudit:
    """Snapshots of a namespace; ``judged`` counts those that code here made."""

    def __init__(self, session: "RedisSession", domain: Domain) -> None:
        self._audit, self._domain = session.audit, domain
        self.judged = 0

    async def run(self, kept: "Kept") -> list[Finding]:
        """Fold an aggregate's events anew, and compare; twice, if it differs.

        A snapshot goes with events that never change: it may be replaced meanwhile.
        """
        first = await self._judge(kept)
        self.judged += first is not None
        return confirmed(first, await self._judge(kept) or []) if first else []

    async def _judge(self, kept: "Kept") -> list[Finding] | None:
        """What is wrong with one; None where it is not judged."""
        keys, partition = self._audit.keys, kept.partition
        key = keys.snapshot(partition, kept.name)
        judge = SnapshotJudge(
            self._domain, partition, key, kept.name, await self._audit.snapshot(key)
        )
        if judge.version:
            async for page in self._audit.events(keys.events(partition, kept.name), judge.version):
                for event in page:
                    judge.take(event)
        if not judge.is_ours:
            return None
        finding = judge.judge()
        return [] if finding is None else [finding]
