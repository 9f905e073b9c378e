"""One row as it was: folded from the log up to a moment of the past, or up to now.

Which events touch a row is not known beforehand, so the logs of all partitions are read, from
the beginning to that moment, page by page; nothing but the row is kept.

A moment of the past is a position in each partition's log. A receipt says one of them; where
the others stood then, their commands' stream ids say, which carry Redis's clock.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.core.audit.findings import Finding
from engine.core.audit.moment import Moment
from engine.core.audit.refold import Refold
from engine.core.audit.subject import Subject
from engine.core.branches import exists
from engine.core.codec import branch_of, read_event_meta, time_of
from engine.core.errors import Failed, HistoryLost, Misuse, NotFound, Torn
from engine.core.fold import WATERMARK
from engine.core.ids import stream_ms
from engine.core.outcome import Receipt
from engine.core.ports import Evidence, Session
from engine.core.projection import Projection
from engine.core.registry import Domain
from engine.core.scalars import as_row
from engine.edge.audit.generations import STEPS

_AGE = re.compile(r"-?(\d+(?:\.\d+)?)(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


class RowAsOf(msgspec.Struct):
    """A row as the log makes it; ``watermarks`` are the last positions it had taken, by partition.

    ``at`` says when that was. ``stands`` is what stands in Redis, for a row of now only, and
    ``behind`` how many events of the logs the projection has not come to. ``parked`` counts
    aggregates whose events it passes over.
    """

    projection: str
    generation: int
    id: str
    at: str
    row: Any
    watermarks: dict[int, int]
    events: int
    parked: int
    behind: int | None = None
    stands: dict[str, str] | None = None


class AsOf:
    """Rows of one generation as they were; ``tell`` hears how many events more have been read."""

    def __init__(
        self,
        session: Session,
        domain: Domain,
        projection: Projection[Any],
        generation: int,
        tell: Callable[[int], None],
    ) -> None:
        self._session, self._projection, self._generation = session, projection, generation
        self._evidence: Evidence = session.evidence(projection.name, generation, projection.indexes)
        self._subject = Subject(self._evidence, domain, projection, session.partitions, STEPS)
        self._tell = tell
        self._events = 0

    async def now(self, row: str) -> tuple[RowAsOf, list[Finding]]:
        """A row as the log makes it, as far as it is applied, and how what stands differs."""
        [seen] = await self._evidence.see({row: ()})
        refold = await self._folded(seen.moment, [row])
        judge = self._subject.judge()
        findings = judge.compare(seen, refold.rows[row])
        heads = await self._session.builds.heads()
        behind = sum(
            max(0, head - reached)
            for head, reached in zip(heads, seen.moment.positions, strict=True)
        )
        found = self._row(row, "now", seen.moment, refold, findings)
        found.behind, found.stands = behind, {n: _plain(text) for n, text in seen.fields.items()}
        return found, findings

    async def at(self, row: str, text: str) -> RowAsOf:
        """A row as it was at a receipt, a time or so long ago; raises `NotFound` for none."""
        now = await self._evidence.moment()
        said, positions = await self._positions(text)
        moment = Moment(positions, now.parked)
        return self._row(row, said, moment, await self._folded(moment, [row]), [])

    async def before(
        self, partition: int, position: int, rows: Sequence[str]
    ) -> dict[str, dict[str, str]]:
        """The fields of rows just before an event of the log; none where there was no row."""
        until = await self._came_ms(partition, position)
        positions = [
            position - 1 if number == partition else await self._position(number, head, until)
            for number, head in enumerate(await self._session.builds.heads())
        ]
        now = await self._evidence.moment()
        refold = await self._folded(Moment(positions, now.parked), rows)
        return {row: refold.rows[row].content[0] for row in rows}

    async def _folded(self, moment: Moment, rows: Sequence[str]) -> Refold:
        refold = Refold(self._subject.domain, self._projection, closely=True)
        for row in rows:
            refold.expect(moment, row)
        steps = self._subject.folded(refold, range(self._session.partitions))
        async with aclosing(steps):
            async for events in steps:
                self._events += events
                self._tell(events)
        if refold.failure is not None:
            partition, position, error = refold.failure
            raise Failed(
                f"{self._projection.name} cannot apply position {position} of partition "
                f"{partition} with the code found here: {error}"
            )
        return refold

    def _row(
        self, row: str, at: str, moment: Moment, refold: Refold, findings: list[Finding]
    ) -> RowAsOf:
        """What was folded, typed; raises `NotFound` where there is no row."""
        fields, _ = refold.rows[row].content
        typed = as_row(self._projection.row, row, fields)
        marks = {
            int(name.removeprefix(WATERMARK)): int(text)
            for name, text in fields.items()
            if name.startswith(WATERMARK)
        }
        if typed is None:
            taken = ", ".join(f"position {at} of partition {p}" for p, at in sorted(marks.items()))
            why = f"it was deleted, by {taken} at the latest" if marks else "no event had made it"
            stands = f". What stands in Redis is wrong: {findings[0]}" if findings else ""
            raise NotFound(
                f"there is no row {row} in {self._projection.name} as of {at}: {why}{stands}"
            )
        return RowAsOf(
            self._projection.name, self._generation, row, at, typed, marks, self._events,
            moment.passed_over,
        )  # fmt: skip

    async def _positions(self, text: str) -> tuple[str, list[int]]:
        """What a text says of a moment, and where each log ended then."""
        heads = await self._session.builds.heads()
        if re.fullmatch(r"\d+\.\d+\.\w+", text):
            receipt = Receipt.parse(text)
            until = await self._time_of(receipt, heads)
            return text, [
                receipt.position
                if partition == receipt.partition
                else await self._position(partition, head, until)
                for partition, head in enumerate(heads)
            ]
        until = _time_in(text, await self._session.now_ms())
        said = time_of(until).isoformat(timespec="milliseconds")
        return said, [await self._position(p, head, until) for p, head in enumerate(heads)]

    async def _time_of(self, receipt: Receipt, heads: Sequence[int]) -> int:
        """When a receipt's event came, in ms; raises `HistoryLost` where it was lost."""
        partition, position = receipt.partition, receipt.position
        if partition >= len(heads):
            raise Misuse(f"{receipt} is of partition {partition}; there are {len(heads)}")
        branches = [branch_of(entry) for entry in await self._evidence.branches(partition)]
        if not exists(branches, receipt.branch, position):
            raise HistoryLost(
                f"lost: {receipt} stands for what a server lost that came back with older data"
            )
        if position > heads[partition]:
            raise NotFound(f"the log of partition {partition} ends at {heads[partition]}")
        return await self._came_ms(partition, position) if position else -1

    async def _position(self, partition: int, head: int, until: int) -> int:
        """The last position of a log whose command had come by a time, in ms."""
        low, high = 0, head
        while low < high:
            middle = (low + high + 1) // 2
            if await self._came_ms(partition, middle) <= until:
                low = middle
            else:
                high = middle - 1
        return low

    async def _came_ms(self, partition: int, position: int) -> int:
        """When the command came that caused an event, in ms since 1970."""
        said = f"position {position} in the log of partition {partition}"
        async for page in self._evidence.log(partition, position - 1, position, 1):
            try:
                return stream_ms(read_event_meta(page[0].fields[b"meta"]).entry)
            except (KeyError, ValueError, msgspec.DecodeError) as error:
                raise Torn(f"{said} cannot be read ({error}): semel verify") from error
        raise Torn(f"{said} is missing: semel verify")


def _plain(text: str) -> str:
    """Text that JSON can hold: a stranger may have put there what is none."""
    return text.encode(errors="backslashreplace").decode()


def _time_in(text: str, now_ms: int) -> int:
    """A time that a text names, in ms since 1970; raises `Misuse`."""
    age = _AGE.fullmatch(text)
    if age is not None:
        ago = timedelta(**{_UNITS[age[2]]: float(age[1])})
        return now_ms - int(ago.total_seconds() * 1000)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misuse(
            f"{text!r} is no moment: give a receipt (7.1042.1f9c83d0), a time "
            f"(2026-01-31T12:00:00Z) or an age (-90s, -15min, -2h, -1d)"
        ) from error
    if time.tzinfo is None:
        raise Misuse(f"{text!r} must carry its offset, as in 2026-01-31T12:00:00Z")
    return (time - time_of(0)) // timedelta(milliseconds=1)
