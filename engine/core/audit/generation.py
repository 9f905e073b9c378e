"""Auditing one generation: its checkpoints, and every row and index entry beside the fold.

Rows move while they are read. But each is read with the moment at which it stood so, and is
compared with the fold of exactly the events that it must have taken by then.

However many rows there are, no more than `ROWS_LIMIT` are held at a time: the rest has another
pass over the log. In a pass,

1. all keys are gone through, and a part of the rows is chosen, by a hash of their names;
2. all index entries are gone through: in which groups are these rows?
3. they are read, each with its entries in one step, and a digest is kept;
4. the log is folded, and each row that it makes is compared with that digest.

What differs is read and folded once more by itself, and only then named. So is a row that is
not there although the log makes one.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from engine.core.audit.checkpoint import judge_checkpoint
from engine.core.audit.findings import Finding
from engine.core.audit.judging import digest_of_expected, digest_of_seen
from engine.core.audit.moment import Group
from engine.core.audit.refold import Refold
from engine.core.audit.slices import Slice
from engine.core.audit.subject import Check, Subject
from engine.core.records import LoggedEvent, RowChange

ROWS_LIMIT = 200_000
"""Rows that are folded in one pass over the log: some 200 MB, where rows are as in the shop."""

MISSING_LIMIT = 10_000
"""Rows that are not there, and are looked for once more in a pass: who misses more begins
with these."""

WALK_KEYS = 1000
"""Keys that are looked at in one step: a millisecond or less of Redis's time."""


class GenerationAudit:
    """One generation of one projection, over all partitions.

    With a ``sample``, so many rows only, chosen at random by ``seed``, with their entries; of
    rows that should be there and of those that are, each is as likely to be chosen.
    """

    def __init__(
        self, subject: Subject, seed: bytes, sample: int | None = None, limit: int = ROWS_LIMIT
    ) -> None:
        self._subject, self._seed, self._sample = subject, seed, sample
        self._limit, self._left = limit, sample or limit
        self.findings: list[Finding] = []
        self.rows = self.entries = self.parked = self.passes = self.unjudged = 0
        self.share = 0.0
        """Which share of the rows this pass ends with."""

    async def steps(self) -> AsyncGenerator[int, None]:
        """Fold and compare; how many events more have been read, again and again."""
        for partition in range(self._subject.partitions):
            self.findings += await judge_checkpoint(self._subject.evidence, partition)
        lowest: int | None = 0
        while lowest is not None and self._left:
            size = min(self._left, self._limit)
            part = _Pass(self._subject, Slice(self._seed, lowest, size))
            self.passes += 1
            self._left -= size if self._sample else 0
            async for events in part.run():
                self.share = part.slice.share
                yield events
            self.rows, self.entries = self.rows + part.rows, self.entries + part.entries
            self.parked, self.unjudged = part.parked, self.unjudged + part.unjudged
            self.findings += part.findings
            lowest = None if part.failed else part.slice.ends_before


class _Pass:
    """One part of the rows."""

    def __init__(self, subject: Subject, slice: Slice) -> None:  # noqa: A002 -- what it is
        self._subject, self.slice = subject, slice
        self._refold = Refold(subject.domain, subject.projection, stranger=self._stranger)
        self._groups: dict[str, tuple[Group, ...]] = {}
        self._missing: dict[str, set[Group]] = {}
        self.findings: list[Finding] = []
        self.rows = self.entries = self.parked = self.unjudged = 0
        self.failed = False

    async def run(self) -> AsyncGenerator[int, None]:
        """Go through keys, rows and the log; how many events at a time."""
        self._began = await self._subject.evidence.moment()
        self.parked = self._began.passed_over
        self._refold.expect(self._began)
        for step in (self._choose, self._find_entries, self._read, self._fold):
            async for events in step():
                yield events
        self.findings += self._subject.failure_of(self._refold)
        self.failed = bool(self.findings)
        suspects = {} if self.failed else self._suspects()
        if suspects:
            check = Check(self._subject, suspects)
            async for events in check.run():
                yield events
            self.findings, self.unjudged = check.findings, check.unjudged

    async def _walk(self) -> "AsyncIterator[tuple[list[str], list[Group]]]":
        cursor = "0"
        while True:
            cursor, rows, groups = await self._subject.evidence.walk(cursor, WALK_KEYS)
            yield [*rows], [*groups]
            if cursor == "0":
                return

    async def _choose(self) -> AsyncGenerator[int, None]:
        """Which rows are there that belong to this part."""
        async for rows, _ in self._walk():
            for row in rows:
                self.slice.offer(row)
            yield 0
        self._groups = dict.fromkeys(self.slice.taken(), ())

    async def _find_entries(self) -> AsyncGenerator[int, None]:
        """In which groups they are; also such as are in a group, and no row is there."""
        async for _, groups in self._walk():
            for group in groups:
                async for members in self._subject.evidence.members(group):
                    for row in filter(self.slice.covers, members):
                        self._groups[row] = (*self._groups.get(row, ()), group)
            yield 0

    async def _read(self) -> AsyncGenerator[int, None]:
        async for some in self._subject.seen(self._groups):
            for row in some:
                self._refold.expect(row.moment, row.name, digest_of_seen(row))
                self.entries += sum(score is not None for score in row.entries.values())
            yield 0

    def _fold(self) -> AsyncGenerator[int, None]:
        return self._subject.folded(self._refold, range(self._subject.partitions))

    def _stranger(self, partition: int, event: LoggedEvent, change: RowChange) -> None:
        """A row that was not met, although it was made before anybody looked."""
        is_due = self._began.takes(partition, event) and self.slice.covers(change.row)
        if is_due and len(self._missing) < MISSING_LIMIT:
            self._missing[change.row] = set()

    def _suspects(self) -> dict[str, set[Group]]:
        """Rows that are to be looked at more closely, with the groups that they may be in."""
        suspects = self._missing
        for row, expected in self._refold.rows.items():
            self.rows += expected.is_there
            if digest_of_expected(expected) != expected.as_read:
                due = [(index, group) for index, (group, _) in expected.content[1].items()]
                suspects[row] = {*due, *self._groups[row]}
        self.rows += len(self._missing)
        return suspects
