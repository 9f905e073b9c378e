"""Auditing partitions: their logs, outcomes and aggregates' streams, while they may be served.

A partition is read up to where its head stood at first. So commits that happen meanwhile
change nothing, but for what is trimmed, and `History` is told of that in the end. What is
found all the same is looked for once more before it is reported.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from engine.core.audit.answers import Answers, position_of
from engine.core.audit.ends import Ends, judge_ends, read_branches
from engine.core.audit.findings import Finding, confirmed
from engine.core.audit.history import History
from engine.core.audit.streams import judge_length, judge_stream
from engine.core.ids import stream_order
from engine.core.records import Entry, LoggedEvent
from engine.core.rejections import REJECTED
from engine.core.routing import partition_of

if TYPE_CHECKING:
    from engine.app import Kept, RedisSession

Tell = Callable[[int], None]
"""Told how many events more have been read."""


_TOGETHER = 512
"""Events whose aggregates' streams are read in one go, if they are not large."""

_TOGETHER_BYTES = 1024 * 1024
"""So much data is compared at a time, and is in memory twice."""


class PartitionAudit:
    """One partition, up to where its head stood."""

    def __init__(self, session: "RedisSession", partition: int, tell: Tell) -> None:
        self._audit, self._partitions = session.audit, session.partitions
        self._partition, self._tell = partition, tell
        self._names = self._audit.names(partition)
        self._findings: list[Finding] = []
        self._read: list[LoggedEvent] = []
        self._bytes = 0
        self.position, self.outcomes = 0, 0
        self.versions: dict[str, int] = {}

    async def run(self) -> list[Finding]:
        """Read and judge it all; what is wrong is read once more, and reported if found again."""
        first = await self._judge()
        return confirmed(first, await self._judge()) if first else first

    async def judge_grown(self, aggregates: Sequence[str]) -> list[Finding]:
        """Aggregates that may have grown since the log was read: count what came behind."""
        position, lengths = await self._audit.position_and_lengths(self._partition, aggregates)
        async for page in self._audit.entries(
            self._names.log, f"{self.position}-0", f"{position}-0"
        ):
            for entry in page:
                if entry.fields.get(b"type") != REJECTED.encode():
                    aggregate = entry.fields.get(b"aggregate", b"").decode(errors="replace")
                    self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        self.position = max(position, self.position)
        found = [
            judge_length(
                self._partition, self._audit.keys.events(self._partition, aggregate),
                self.versions.get(aggregate, 0), length,
            )
            for aggregate, length in zip(aggregates, lengths, strict=True)
        ]  # fmt: skip
        return [finding for finding in found if finding is not None]

    async def _judge(self) -> list[Finding]:
        ends = await self._audit.ends(self._partition)
        self.position = ends.position
        self._findings = list(judge_ends(self._names, ends, self._partitions))
        noted = await self._audit.branches(self._partition)
        branches, findings = read_branches(
            self._names, noted, await self._audit.position(self._partition)
        )
        answers = Answers(self._names, branches, ends.forgotten)
        history = History(self._names, self._partitions, ends.forgotten, answers)
        await self._judge_history(history, answers, ends)
        await self._judge_commands(answers, ends)
        self.versions, self.outcomes = history.versions, len(answers.seen)
        gone = await self._audit.forgotten(self._partition)
        return [*self._findings, *findings, *history.all_findings(gone)]

    async def _judge_history(self, history: History, answers: Answers, ends: Ends) -> None:
        """The log and the outcomes side by side; see `History`."""
        log = _OneByOne(self._audit.entries(self._names.log, "0-0", f"{ends.position}"))
        outcomes = _OneByOne(
            self._audit.entries(self._names.outcomes, ends.forgotten, ends.command)
        )
        late = _OneByOne(self._audit.entries(self._names.late, "0-0", ends.late))
        while True:
            own, other = await outcomes.peek(), await late.peek()
            both = [each for each in (own, other) if each is not None]
            if not both:
                break
            await self._feed(history, log, min(map(position_of, both)))
            is_late = own is None or (
                other is not None and answers.precedes(own, other, history.due)
            )
            history.outcome(await (late if is_late else outcomes).pop())
        await self._feed(history, log, ends.position)
        await self._judge_streams()
        history.end()
        answers.end(ends.waiting)

    async def _feed(self, history: History, log: "_OneByOne", position: int) -> None:
        """Judge the log's entries up to a position, and the aggregates' streams beside them."""
        while (entry := await log.next(position)) is not None:
            event = history.event(entry)
            if event is not None:
                self._read.append(event)
                self._bytes += len(event.data)
            if len(self._read) >= _TOGETHER or self._bytes >= _TOGETHER_BYTES:
                await self._judge_streams()

    async def _judge_streams(self) -> None:
        """Read what the aggregates' streams have of the events read since the last time."""
        events, self._read, self._bytes = self._read, [], 0
        by_aggregate: dict[str, list[LoggedEvent]] = defaultdict(list)
        for event in events:
            by_aggregate[event.aggregate].append(event)
        spans = {
            aggregate: (min(e.version for e in own), max(e.version for e in own))
            for aggregate, own in by_aggregate.items()
        }
        for aggregate, found in (await self._audit.histories(self._partition, spans)).items():
            key = self._audit.keys.events(self._partition, aggregate)
            own = by_aggregate[aggregate]
            self._findings += judge_stream(self._partition, key, own, found)
        self._tell(len(events))

    async def _judge_commands(self, answers: Answers, ends: Ends) -> None:
        """Every command that is still there and lies behind the head has its outcome."""
        async for page in self._audit.entries(self._names.commands, ends.forgotten, ends.command):
            for command in page:
                if command.id not in answers.seen:
                    expected = f"an outcome, as head.command is {ends.command}"
                    finding = Finding(
                        "command_unanswered", self._partition, self._names.commands, command.id,
                        expected, "none",
                    )  # fmt: skip
                    answers.excusable.append((command.id, finding))


class _OneByOne:
    """A stream's entries in order, each when it is wanted."""

    def __init__(self, pages: AsyncIterator[list[Entry]]) -> None:
        self._pages, self._ahead, self._at = pages, list[Entry](), 0

    async def next(self, position: int) -> Entry | None:
        """The next entry, if it is at a position or before it."""
        entry = await self.peek()
        if entry is None or stream_order(entry.id)[0] > position:
            return None
        return await self.pop()

    async def peek(self) -> Entry | None:
        """The next entry, which stays the next."""
        if self._at == len(self._ahead):
            self._ahead, self._at = await anext(self._pages, []), 0
        return self._ahead[self._at] if self._ahead else None

    async def pop(self) -> Entry:
        """The next entry, which was seen to be there."""
        self._at += 1
        return self._ahead[self._at - 1]


async def judge_lengths(
    session: "RedisSession", kept: "Sequence[Kept]", audits: Sequence[PartitionAudit]
) -> list[Finding]:
    """Aggregates' streams as they are found, beside what the logs said of them."""
    findings: list[Finding] = []
    unlike: dict[int, list[str]] = defaultdict(list)
    for each, length in zip(kept, await session.audit.lengths(kept), strict=True):
        home = partition_of(each.name, session.partitions)
        if home != each.partition:
            key = session.audit.keys.events(each.partition, each.name)
            expected = f"{each.name} in partition {home}"
            findings.append(
                Finding("wrong_partition", each.partition, key, "", expected, "it here")
            )
        elif audits[home].versions.get(each.name, 0) != length:
            unlike[home].append(each.name)
    for home, names in unlike.items():
        findings += await audits[home].judge_grown(names)
    return findings
