"""``semel verify``: every invariant that can be read from Redis, checked on one's own namespace."""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from engine.core.audit.findings import Finding
from engine.core.digest import code_digest
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.audit.generations import GenerationAudit
from engine.edge.audit.partitions import PartitionAudit, judge_lengths
from engine.edge.audit.snapshots import SnapshotAudit
from engine.edge.audit.timers import TimerAudit
from engine.edge.cli.findings import show_findings, unjudged
from engine.edge.cli.gauge import Advance, gauge
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.settings import Settings

OVER = " is over, and being removed"
OTHERS = " was made by other code than is here"
"""Why a generation is not judged, as it is said behind its name."""


class GenerationChecked(msgspec.Struct):
    """One generation whose rows were compared."""

    projection: str
    generation: int
    rows: int
    entries: int
    parked: int
    unjudged: int


class Report(msgspec.Struct):
    """What was read, and how much of it is wrong."""

    namespace: str
    partitions: int
    events: int = 0
    outcomes: int = 0
    aggregates: int = 0
    timers: int = 0
    snapshots: int = 0
    generations: list[GenerationChecked] = []
    unchecked: list[str] = []
    findings: int = 0
    seconds: float = 0


def verify(
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Check logs, outcomes, streams, timers, snapshots, rows and indexes against each other.

    Reads everything, page by page, and changes nothing; the namespace may be served
    meanwhile. Rows are folded anew from the log with the projections found here, up to
    200,000 at a time (some 200 MB); more take more passes over the log. Generations that
    other code made are passed over. Exits 1 when something is wrong, naming each place.

    Example: semel verify -o json
    """
    settings = settings_of(redis, config, namespace)
    domain, why_not = _domain(settings)

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        began = time.monotonic()
        async with namespace_session(settings) as session:
            total = await session.inspection.event_count(session.partitions)
            with gauge(total * (1 + len(domain.projections))) as advance:
                checking = _Checking(session, settings.namespace, domain, why_not, advance)
                await checking.run()
        checking.report.seconds = round(time.monotonic() - began, 3)
        show_findings(output, checking.report, checking.findings, _summary(checking.report))
        return 1 if checking.findings else 0

    return start(work)


def _domain(settings: "Settings") -> tuple[Domain, str]:
    """The domain, or an empty one and why there is none."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        return domain_of(settings), f"not in the package {settings.projections!r} here"
    except SemelError as error:
        return Domain(), str(error)


class _Checking:
    """One run over a namespace: partitions, then streams as they are found, then rows."""

    def __init__(
        self,
        session: "RedisSession",
        namespace: str,
        domain: Domain,
        why_not: str,
        advance: Advance,
    ) -> None:
        self._session, self._domain, self._why_not = session, domain, why_not
        self._advance = advance
        self.report = Report(namespace, session.partitions)
        self.findings: list[Finding] = []

    async def run(self) -> None:
        audits = [await self._partition(number) for number in range(self._session.partitions)]
        generations: dict[str, set[str]] = defaultdict(set)
        snapshots = SnapshotAudit(self._session, self._domain)
        async for page in self._session.audit.kept():
            streams = [kept for kept in page if kept.kind == "events"]
            self.findings += await judge_lengths(self._session, streams, audits)
            for kept in page:
                if kept.kind == "snapshot":
                    self.findings += await snapshots.run(kept)
                elif kept.kind == "projection":
                    name, _, number = kept.name.rpartition("@")
                    generations[name].add(number)
        self.report.snapshots = snapshots.judged
        for name in sorted(generations):
            for number in sorted(generations[name]):
                await self._generation(name, number)
        self.findings = list(dict.fromkeys(self.findings))
        self.report.findings = len(self.findings)

    async def _partition(self, number: int) -> PartitionAudit:
        of = f"partition {number} of {self._session.partitions}"
        audit = PartitionAudit(self._session, number, lambda read: self._tell(read, of))
        timers = TimerAudit(self._session, number)
        self.findings += [*await audit.run(), *await timers.run()]
        self.report.events += audit.position
        self.report.timers += timers.count
        self.report.outcomes += audit.outcomes
        self.report.aggregates += len(audit.versions)
        return audit

    async def _generation(self, name: str, number: str) -> None:
        why_not = await self._judge_rows(name, number)
        if why_not:
            self.report.unchecked.append(f"{name}@{number}{why_not}")

    async def _judge_rows(self, name: str, number: str) -> str:
        """Judge one generation; why it is not, empty where it was."""
        projection = self._domain.projections.get(name)
        if projection is None or not number.isdecimal():
            return f": {self._why_not}"
        found = await self._session.builds.read(name)
        if found.is_over(int(number)):
            return OVER
        code = code_digest(projection, self._domain.upcasters_of(name))
        if found.made_by(int(number)) not in ("", code):
            return OTHERS
        audit = GenerationAudit(
            self._session, self._domain, projection, int(number),
            lambda read: self._tell(read, audit.place),
        )  # fmt: skip
        self.findings += await audit.run()
        if audit.is_over:
            return OVER
        self.report.generations.append(
            GenerationChecked(
                name, int(number), audit.rows, audit.entries, audit.parked, audit.unjudged
            )
        )
        return ""

    def _tell(self, read: int, where: str) -> None:
        found = f", {len(self.findings)} findings" if self.findings else ""
        self._advance(read, f"{where}{found}")


def _summary(report: Report) -> Iterator[str]:
    yield (
        f"{report.namespace}: {report.events} events of {report.aggregates} aggregates and "
        f"{report.outcomes} outcomes in {report.partitions} partitions read in "
        f"{report.seconds:.1f} s"
    )
    if report.timers:
        yield f"{report.timers} timers stand as they were set, or have become commands"
    if report.snapshots:
        yield f"{report.snapshots} snapshots compared with the fold of their events"
    for each in report.generations:
        rows = f"{each.rows} rows and {each.entries} index entries"
        yield f"{each.projection}@{each.generation}: {rows} compared with the fold of the log"
        if each.parked:
            yield f"{each.projection} passes over {each.parked} parked aggregates: semel dead list"
        if each.unjudged:
            yield unjudged(each.projection, each.unjudged)
    for each_not in report.unchecked:
        yield f"rows were not checked: {each_not}"
    if not report.generations and not report.unchecked:
        yield "rows were not checked: no projection has run"
    yield f"{report.findings} findings" if report.findings else "nothing is wrong"
