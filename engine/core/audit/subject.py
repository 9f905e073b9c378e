"""One generation that is audited: its code, what can be read of it, and how it is folded."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from engine.core.audit.findings import Finding
from engine.core.audit.judging import Judge
from engine.core.audit.moment import Group, SeenRow
from engine.core.audit.refold import Refold
from engine.core.codec import logged
from engine.core.errors import Torn
from engine.core.ports.evidence import Evidence
from engine.core.projection import Projection
from engine.core.records import Entry, LoggedEvent
from engine.core.registry import Domain

Rows = Mapping[str, Iterable[Group]]
"""Rows by their names, and groups whose entries of the row are to be looked at too."""


class Steps(NamedTuple):
    """How much is done at a time: events that are read, events that are folded, rows.

    Between two steps others have their turn, and whoever audits may pause.
    """

    page: int
    events: int
    rows: int


class Subject(NamedTuple):
    """One generation, and in what steps it is audited."""

    evidence: Evidence
    domain: Domain
    projection: Projection[Any]
    partitions: int
    steps: Steps

    def judge(self) -> Judge:
        """Who says what is wrong with its rows."""
        return Judge(self.projection, self.evidence.row_key, self.evidence.group_key)

    async def seen(self, rows: Rows) -> AsyncIterator[list[SeenRow]]:
        """Rows as they stand, some at a time, each time at one moment."""
        waiting = iter(rows.items())
        while some := dict(islice(waiting, self.steps.rows)):
            yield await self.evidence.see(some)

    async def folded(self, refold: Refold, partitions: Iterable[int]) -> AsyncGenerator[int, None]:
        """Fold the log as far as it is wanted; how many events at a time."""
        for partition in partitions:
            upto = refold.upto(partition)
            async for page in self.evidence.log(partition, 0, upto, self.steps.page):
                for at in range(0, len(page), self.steps.events):
                    some = page[at : at + self.steps.events]
                    for event in whole(some):
                        refold.take(partition, event)
                    if refold.failure is not None:
                        return
                    yield len(some)

    def failure_of(self, refold: Refold) -> list[Finding]:
        """That the log cannot be folded, if it could not."""
        if refold.failure is None:
            return []
        partition, position, error = refold.failure
        name = self.projection.name
        expected = f"an event that {name} can apply, as it once did; no row was checked"
        log = self.evidence.names(partition).log
        return [Finding("not_foldable", partition, log, f"{position}-0", expected, error)]


def whole(page: Iterable[Entry]) -> Iterator[LoggedEvent]:
    """The events that a page of the log holds; what is none, the partition's own audit names."""
    for entry in page:
        try:
            yield logged(entry)
        except Torn:
            continue


class Check:
    """Some rows of a generation: read, folded to where each had come, and judged."""

    def __init__(self, subject: Subject, rows: Rows) -> None:
        self._subject, self._rows = subject, rows
        self._refold = Refold(subject.domain, subject.projection, closely=True)
        self._judge = subject.judge()
        self.findings: list[Finding] = []
        self.wrong: dict[str, set[Group]] = {}
        """Rows that are not what they should be, with all groups that they concern."""
        self.seen: list[SeenRow] = []

    @property
    def unjudged(self) -> int:
        """Rows of which something differs that no log can tell."""
        return self._judge.unjudged

    async def run(self, partition: int | None = None) -> AsyncGenerator[int, None]:
        """Do it; how many events at a time.

        With a ``partition``, only its log is read, and those whose events the rows say they
        have taken: then that no other event was missed is not looked at.
        """
        async for some in self._subject.seen(self._rows):
            self.seen += some
            for row in some:
                self._refold.expect(row.moment, row.name)
            yield 0
        wanted = set(range(self._subject.partitions))
        if partition is not None:
            wanted = {partition}.union(*(row.partitions for row in self.seen))
        async for events in self._subject.folded(self._refold, sorted(wanted)):
            yield events
        self.findings += self._subject.failure_of(self._refold)
        if self.findings:
            return
        for at in range(0, len(self.seen), self._subject.steps.rows):
            self._compare(self.seen[at : at + self._subject.steps.rows])
            yield 0

    def _compare(self, rows: Iterable[SeenRow]) -> None:
        for row in rows:
            expected = self._refold.rows[row.name]
            findings = self._judge.compare(row, expected)
            if findings:
                self.findings += findings
                due = expected.content[1].items()
                groups = {(index, group) for index, (group, _) in due}
                self.wrong[row.name] = groups | row.entries.keys()
