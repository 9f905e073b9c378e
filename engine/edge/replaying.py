"""Replaying a namespace: every aggregate that is chosen, every command that is kept, every row.

Reads only, page by page, and may run while the namespace is served: of a partition what its head
named at first is read, of rows what `semel projection verify` reads.
"""

import secrets
from collections import Counter, defaultdict, deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from engine.core.audit.findings import Finding
from engine.core.audit.slices import Slice
from engine.core.codec import outcome_of
from engine.core.digest import code_digest
from engine.core.firing import Timer, name_of
from engine.core.ids import just_below
from engine.core.intake import Intake
from engine.core.outcome import Outcome
from engine.core.records import Entry, StoredEvent
from engine.core.registry import Domain
from engine.core.replay.answer import NO_TIMERS
from engine.core.replay.replay import Difference, Replay, Told
from engine.core.routing import partition_of
from engine.core.timebook import TimerBook, TimerLimits
from engine.edge.audit.generations import GenerationAudit, generation_of

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.settings import Settings

NAMES_LIMIT = 200_000
"""Aggregates whose names are held at a time; more take more passes over the keys."""

_TOGETHER = 64
"""Aggregates that are read in one go."""

_NEWEST = 2**63
"""Above any version."""

_SEED_BYTES = 16

Tell = Callable[[int, str], None]
"""Told that so many events more have been read, and of what."""


class Replayed(msgspec.Struct):
    """How much was replayed; ``asking`` counts commands left out by type (see `Replay`)."""

    aggregates: int = 0
    events: int = 0
    decided: int = 0
    asking: dict[str, int] = {}
    rows: int = 0


class Replaying:
    """One replay; with a ``sample``, of so many aggregates, commands, and rows of a projection."""

    def __init__(  # noqa: PLR0913 -- what is replayed, how much, and with what
        self,
        session: "RedisSession",
        domain: Domain,
        settings: "Settings",
        sample: int | None,
        tell: Tell,
        stand_ins: Sequence[object] = (),
    ) -> None:
        self._session, self._domain, self._tell = session, domain, tell
        self._settings, self._sample, self._stand_ins = settings, sample, stand_ins
        self.report = Replayed()
        self.differences: list[Difference] = []

    async def run(self) -> None:
        """Replay aggregates and commands, then rows."""
        async for part, names in self._parts():
            for partition in range(self._session.partitions):
                await self._partition(partition, part, names.get(partition, set()))
        for name in self._domain.projections:
            await self._rows(name)

    async def _parts(self) -> AsyncIterator[tuple[Slice, Mapping[int, set[str]]]]:
        """Aggregates that have events, a bounded part of them at a time, by partition."""
        seed, lowest = secrets.token_bytes(_SEED_BYTES), 0
        while True:
            part = Slice(seed, lowest, self._sample or NAMES_LIMIT)
            async for page in self._session.audit.kept():
                for kept in page:
                    if kept.kind == "events":
                        part.offer(kept.name)
            names: dict[int, set[str]] = defaultdict(set)
            for name in part.taken():
                names[partition_of(name, self._session.partitions)].add(name)
            yield part, names
            if part.ends_before is None or self._sample:
                return
            lowest = part.ends_before

    async def _partition(self, partition: int, part: Slice, names: set[str]) -> None:
        """The aggregates of a part that live here, and those with commands that are kept."""
        told: dict[str, list[Told]] = defaultdict(list)
        for each in await self._told(partition):
            told[each.outcome.aggregate].append(each)
        # Who was never accepted has no events: he belongs to the part that his name falls into.
        names |= {name for name in told if self._sample or part.covers(name)}
        session = self._session
        intake = Intake(
            self._domain, partition, session.partitions, session.secret,
            self._settings.command_bytes,
        )  # fmt: skip
        limits = TimerLimits(
            timedelta(days=self._settings.timer_limit_days), self._settings.events_per_command,
            self._settings.event_bytes, self._settings.causation_depth,
        )  # fmt: skip
        book = TimerBook(session.secret, self._domain, limits)
        replay = Replay(self._domain, intake, self._limited, book, self._stand_ins)
        waiting = iter(sorted(names))
        while some := list(islice(waiting, _TOGETHER)):
            spans = dict.fromkeys(some, (1, _NEWEST))
            histories = await session.audit.histories(partition, spans)
            for name, entries in histories.items():
                await replay.take(name, list(map(_stored, entries)), told[name])
            read = sum(map(len, histories.values()))
            self._tell(read, f"aggregates of partition {partition} of {session.partitions}")
        self._sum_up(replay)

    async def _limited(self, deciding: Awaitable[Any]) -> Any:
        with anyio.fail_after(self._settings.decide_seconds):
            return await deciding

    async def _told(self, partition: int) -> list[Told]:
        """The commands that are done and still kept, with what became of them; the latest ones."""
        audit = self._session.audit
        names, ends = audit.names(partition), await audit.ends(partition)
        limit = None if self._sample is None else ceil(self._sample / self._session.partitions)
        commands: deque[Entry] = deque(maxlen=limit)
        async for page in audit.entries(names.commands, "0-0", ends.command):
            commands += page
        if not commands:
            return []
        outcomes: dict[str, Outcome] = {}
        first = just_below(commands[0].id)
        # What was deferred has its final answer in `late`, which comes after the first one.
        for key, after, upto in (
            (names.outcomes, first, ends.command), (names.late, "0-0", ends.late),
        ):  # fmt: skip
            async for page in audit.entries(key, after, upto):
                outcomes |= {each.entry: each for each in _readable(page, partition)}
        timers = await self._timers(partition, outcomes)
        return [
            Told(each, outcomes[each.id], timers.get(each.id, NO_TIMERS))
            for each in commands
            if each.id in outcomes
        ]

    async def _timers(
        self, partition: int, commands: Container[str]
    ) -> dict[str, dict[str, Timer]]:
        """The timers that stand, or have fired and were not handled, by who set them, and name."""
        found: dict[str, dict[str, Timer]] = defaultdict(dict)
        async for page in self._session.timer_audit.read(partition):
            for read in page:
                if read.timer is not None and read.timer.number in commands:
                    found[read.timer.number][name_of(read.key)] = read.timer
        return found

    def _sum_up(self, replay: Replay) -> None:
        report = self.report
        report.aggregates += replay.aggregates
        report.events += replay.events
        report.decided += replay.decided
        report.asking = dict(Counter(report.asking) + replay.asking)
        self.differences += replay.differences

    async def _rows(self, name: str) -> None:
        """Fold a projection's rows anew, and hold what stands there against that."""
        projection, number, found = await generation_of(self._session, self._domain, name)
        audit = GenerationAudit(
            self._session, self._domain, projection, number,
            lambda read: self._tell(read, audit.place), self._sample,
        )  # fmt: skip
        findings = dict.fromkeys(await audit.run())
        self.report.rows += audit.rows
        code = code_digest(projection, self._domain.upcasters_of(name))
        is_same = found.made_by(number) in ("", code)
        self.differences += (_of_row(name, finding, is_same=is_same) for finding in findings)


def _readable(page: Iterable[Entry], partition: int) -> Iterator[Outcome]:
    for entry in page:
        with suppress(KeyError, ValueError):  # what is no outcome, `semel verify` names
            yield outcome_of(entry, partition)


def _stored(entry: Entry) -> StoredEvent:
    fields = entry.fields
    return StoredEvent(
        int(entry.id.partition("-")[0]), fields.get(b"type", b"").decode(errors="replace"),
        fields.get(b"data", b""), fields.get(b"meta", b""),
    )  # fmt: skip


def _of_row(projection: str, finding: Finding, *, is_same: bool) -> Difference:
    """What an audit found: what it expects is what the code here makes."""
    is_field = finding.check == "row_differs"
    what = f"{finding.id} would be another" if is_field else finding.check
    why = ", although the same code made it: semel verify" if is_same else ""
    return Difference(
        "row", f"{projection}: {what}{why}", f"{finding.key} {finding.id}",
        f"is {finding.found}, would be {finding.expected}",
    )  # fmt: skip
