"""Spot checks: a few rows of a generation at a time, again and again, while it is served.

Each takes one partition. Its rows come from two sides: those that events at random places of
its log should have changed, and those that are met on a slow walk through all keys. So each
event is as likely to be looked for as any other, and what comes from nowhere is met too.

A row is compared with the fold of what it says it has taken, so only the logs of partitions
that its watermarks name are read, from the beginning, beside the one chosen. Of other rows in the
same groups it is only looked whether they say that they are there, which takes no log.
"""

from collections.abc import AsyncGenerator, Iterable
from random import Random

from engine.core.audit.checkpoint import judge_checkpoint
from engine.core.audit.findings import Finding, confirmed
from engine.core.audit.moment import Group, Moment
from engine.core.audit.subject import Check, Subject, whole
from engine.core.parking import attempt
from engine.core.projecting import projecting

ROWS_LEAST, ROWS_MOST = 32, 2000
"""Rows in one check: a long log is not read for a handful, and all of them are in memory."""

EVENTS_A_ROW = 50
"""Of the log are read for each row, about."""

RUN_EVENTS = 8
"""Events that are taken from one random place: one more costs less than one more place."""

WALK_KEYS = 200
"""Keys looked at in one step of the walk: a tenth of a millisecond of Redis's time."""

WALK_STEPS = 5
"""Steps before each check."""

MET_LIMIT = 200
"""Rows of one partition that were met and wait for its turn; others are met the next time."""

GROUPS = 20
"""Groups in one check into which others' entries are looked for, and that many from the walk."""

MEMBERS = 10
"""Entries of each group that are looked at, at random."""


class SpotChecks:
    """All spot checks of one generation; ``random`` chooses.

    ``partition`` is the one that is checked now. ``findings`` are what the last check found,
    twice; ``rows`` counts the rows it compared.
    """

    def __init__(self, subject: Subject, random: Random) -> None:
        self._subject, self._random = subject, random
        self._project = projecting(subject.domain, subject.projection)
        self._cursor = "0"
        self._met: dict[int, set[str]] = {}
        self.partition = 0
        self.rows = 0
        self.findings: list[Finding] = []

    async def next(self) -> AsyncGenerator[int, None]:
        """One check, in small steps: how many events were read in each."""
        self.rows, self.findings = 0, []
        moment = await self._subject.evidence.moment()
        groups: list[Group] = []
        rows: set[str] = set()
        async for events in self._walk(rows, groups):
            yield events
        if any(moment.positions):
            [self.partition] = self._random.choices(range(len(moment.positions)), moment.positions)
            position = moment.positions[self.partition]
            rows |= self._met.pop(self.partition, set())
            async for events in self._touched(moment, self._count(position), rows):
                yield events
            self.findings += await self._checkpoint()
        async for events in self._judge(rows, groups):
            yield events

    @staticmethod
    def _count(position: int) -> int:
        return min(max(ROWS_LEAST, position // EVENTS_A_ROW), ROWS_MOST)

    async def _checkpoint(self) -> list[Finding]:
        found = await judge_checkpoint(self._subject.evidence, self.partition)
        if not found:
            return []
        return confirmed(found, await judge_checkpoint(self._subject.evidence, self.partition))

    async def _walk(self, rows: set[str], groups: list[Group]) -> AsyncGenerator[int, None]:
        """Go on through the keys: keep rows for their partition's turn, and some groups.

        A row that says of no event that it has taken it belongs to no partition: ``rows``.
        """
        for _ in range(WALK_STEPS):
            self._cursor, met, found = await self._subject.evidence.walk(self._cursor, WALK_KEYS)
            groups += self._random.sample([*found], min(len(found), GROUPS))
            yield 0
            async for some in self._subject.seen(dict.fromkeys(met, ())):
                for row in some:
                    partitions = [*row.partitions]
                    if partitions:
                        waiting = self._met.setdefault(self._random.choice(partitions), set())
                        if len(waiting) < MET_LIMIT:
                            waiting.add(row.name)
                    else:
                        rows.add(row.name)
                yield 0
            if self._cursor == "0":
                return

    async def _touched(
        self, moment: Moment, count: int, rows: set[str]
    ) -> AsyncGenerator[int, None]:
        """Rows that events at random places of the partition's log have changed."""
        last, evidence = moment.positions[self.partition], self._subject.evidence
        for _ in range(0, count, RUN_EVENTS):
            after = self._random.randrange(last)
            upto = min(last, after + RUN_EVENTS)
            async for page in evidence.log(self.partition, after, upto, RUN_EVENTS):
                for event in whole(page):
                    # One that raises is parked, or the fold will meet it.
                    changes = attempt(self._project, self.partition, [event]).changes
                    rows |= {change.row for change in changes}
                yield len(page)

    async def _judge(self, rows: set[str], groups: list[Group]) -> AsyncGenerator[int, None]:
        """Judge rows, and others' entries in some of their groups; what is wrong, twice."""
        check = Check(self._subject, dict.fromkeys(rows, ()))
        async for events in check.run(self.partition):
            yield events
        self.rows = len(check.seen)
        if check.findings:
            again = Check(self._subject, check.wrong or dict.fromkeys(rows, ()))
            async for events in again.run(self.partition):
                yield events
            self.findings += confirmed(check.findings, again.findings)
        own = {group for row in check.seen for group in row.entries}
        chosen = self._random.sample(sorted(own), min(len(own), GROUPS))
        async for events in self._judge_groups({*chosen, *groups}):
            yield events

    async def _judge_groups(self, groups: Iterable[Group]) -> AsyncGenerator[int, None]:
        """Whether rows are in the groups in which they have an entry."""
        asked: dict[str, list[Group]] = {}
        for group in groups:
            for row in await self._subject.evidence.some_members(group, MEMBERS):
                asked.setdefault(row, []).append(group)
            yield 0
        wrong: dict[str, list[Group]] = {}
        async for some in self._subject.seen(asked):
            indexes = self._subject.projection.indexes
            wrong |= {row.name: asked[row.name] for row in some if row.contradicts(indexes)}
            yield 0
        if wrong:
            # Which of both is wrong, all logs together say: the row may be the one, or missing.
            check = Check(self._subject, wrong)
            async for events in check.run():
                yield events
            self.findings += check.findings
