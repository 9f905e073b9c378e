"""What a command would do, now or at a version of its aggregate: nothing is written.

Decided by the partition's own judges on what is read here; what stands in rows is changed by
the very code that projectors fold with.
"""

from collections.abc import Callable, Sequence

import msgspec

from engine.core.codec import logged
from engine.core.digest import code_digest
from engine.core.errors import Misuse
from engine.core.outcome import Status
from engine.core.ports import Evidence, Session
from engine.core.records import LoggedEvent
from engine.core.registry import Domain
from engine.core.rehearsing import (
    WAITS,
    DryRun,
    Fields,
    NewFact,
    Rehearse,
    Rehearsed,
    RowEffect,
    Touched,
    entry_of,
    new_timer,
)
from engine.edge.as_of import AsOf
from engine.edge.asking import LiveQueries
from engine.edge.audit.generations import STEPS
from engine.edge.dispatch import Dispatch
from engine.edge.entries import entry_fields


class DryRuns:
    """Dry runs of one client; ``rehearse`` decides, as composed by `engine.app`."""

    def __init__(
        self,
        dispatch: Dispatch,
        domain: Domain,
        rehearse: Rehearse | None,
        new_id: Callable[[], str],
    ) -> None:
        self._dispatch, self._domain = dispatch, domain
        self._rehearse, self._new_id = rehearse, new_id

    async def run(  # noqa: PLR0913 -- the fields of an entry
        self,
        type: str,
        aggregate: str,
        data: bytes,
        *,
        id: str | None = None,
        meta: bytes = b"",
        at_version: int | None = None,
    ) -> DryRun:
        """What a command would do, as it would stand in its stream, unvalidated.

        Raises `Misuse` for an id that cannot be one, `NotFound` for a version never reached.
        """
        if not self._domain.commands:
            raise Misuse(
                "no command is registered here, and a dry run decides with the code found here: "
                "run it in the project's directory, or name its packages"
            )
        fields = entry_fields(type, aggregate, data, self._new_id() if id is None else id, meta)
        session, queries = await self._dispatch.session(), LiveQueries(self._domain)
        entry = entry_of(await session.now_ms(), fields)
        if self._rehearse is None:
            raise Misuse("this client decides nothing; engine.connect gives one that does")
        with queries.on(session):
            about = (session, self._domain, queries, entry, at_version)
            rehearsed = await self._rehearse(*about)
        return await self._folded(session, rehearsed, is_past=at_version is not None)

    async def _folded(self, session: Session, rehearsed: Rehearsed, *, is_past: bool) -> DryRun:
        """What follows from a decision."""
        rows: list[RowEffect] = []
        outcome = rehearsed.outcome
        notes = [rehearsed.traceback] if rehearsed.traceback else []
        if outcome.status is Status.DEFERRED:
            notes.insert(0, WAITS[outcome.detail["code"]])
        if rehearsed.events:
            past = await _next(session, rehearsed) if is_past else None
            for name in self._domain.projections:
                effects = _Effects(session, self._domain, name, rehearsed, past)
                rows += await effects.rows()
                notes += effects.notes
        facts = [
            NewFact(event.version, event.type, msgspec.json.decode(event.data))
            for event in rehearsed.events
        ]
        timers = [new_timer(write) for write in rehearsed.timers]
        return DryRun(outcome, facts, timers, rows, notes)


async def _next(session: Session, rehearsed: Rehearsed) -> LoggedEvent | None:
    """What happened in earnest instead of the first event; None where that is still to come."""
    first, partition = rehearsed.events[0], rehearsed.outcome.partition
    evidence = session.evidence("", 1, ())
    async for page in evidence.log(partition, 0, first.position - 1, STEPS.page):
        for entry in page:
            event = logged(entry)
            if (event.aggregate, event.version) == (first.aggregate, first.version):
                return event
    return None


class _Effects:
    """What becomes of the rows of one projection, in its live generation."""

    def __init__(
        self,
        session: Session,
        domain: Domain,
        name: str,
        rehearsed: Rehearsed,
        past: LoggedEvent | None,
    ) -> None:
        self._session, self._domain = session, domain
        self._projection = domain.projections[name]
        self._events, self._partition = rehearsed.events, rehearsed.outcome.partition
        self._past = past
        self.notes: list[str] = []

    async def rows(self) -> list[RowEffect]:
        """Those that would change."""
        touched = Touched(self._domain, self._projection)
        for event in self._events:
            touched.take(self._partition, event)
        rows = list(touched.changes)
        effects: list[RowEffect] = []
        if rows:
            effects += touched.effects(self._partition, await self._standing(rows))
        if touched.failure:
            self.notes.append(touched.failure)
        return effects

    async def _standing(self, rows: Sequence[str]) -> dict[str, Fields]:
        """How rows stand, or stood; says what keeps them from being what events made them."""
        projection = self._projection
        found = await self._session.builds.read(projection.name)
        generation = found.live
        code = code_digest(projection, self._domain.upcasters_of(projection.name))
        if found.digest not in ("", code):
            self.notes.append(f"{projection.name}@{generation} was made by other code")
        if self._past is not None:
            as_of = AsOf(self._session, self._domain, projection, generation, lambda _read: None)
            return {**await as_of.before(self._partition, self._past.position, rows)}
        evidence: Evidence = self._session.evidence(projection.name, generation, projection.indexes)
        seen = await evidence.see(dict.fromkeys(rows, ()))
        moment, first = seen[0].moment, self._events[0]
        behind = first.position - 1 - moment.positions[self._partition]
        if behind > 0:
            events = "1 event" if behind == 1 else f"{behind} events"
            self.notes.append(
                f"{projection.name} has yet to apply {events} of partition {self._partition}"
            )
        if first.aggregate in moment.parked.get(self._partition, {}):
            self.notes.append(f"{projection.name} passes over {first.aggregate}: semel dead list")
        return {row.name: row.fields for row in seen}
