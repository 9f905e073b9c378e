"""Bringing aggregates to life: from a snapshot that can be believed, and the events above it."""

from collections.abc import Sequence
from time import monotonic

from engine.core.errors import Torn, Unreadable
from engine.core.ports import Histories, Snapshots
from engine.core.records import Recalled, StoredEvent
from engine.core.registry import Domain
from engine.core.routing import kind_of
from engine.core.snapshots import Unbelievable, entry_of
from engine.runtime.faults import said
from engine.runtime.warm import NEVER, Actor
from engine.telemetry import log
from engine.telemetry.actors import SNAPSHOTS_IGNORED

SLOW_SECONDS = 0.01
"""An aggregate whose events take longer to fold is kept at once, however few they are: for so
long everybody else in its partition has waited for it."""

EVENT_BYTES = 1024
"""Bytes of snapshots for each event, at the most: a large state is kept more rarely. To read it
takes as long as the events do that are above it then."""


class Reviving:
    """What makes the actors of one partition.

    A decider that does not say after how many events its states are kept has it done after
    ``events``, 0 for never. Without ``snapshots`` all is read from the first event on.
    """

    def __init__(
        self, ledger: Histories, domain: Domain, snapshots: Snapshots | None, events: int
    ) -> None:
        self._ledger, self._domain, self._snapshots = ledger, domain, snapshots
        self._pauses = {
            kind: events if decider.snapshot_events is None else decider.snapshot_events
            for kind, decider in domain.deciders.items()
        }

    async def revive(self, aggregates: Sequence[str]) -> list[tuple[Actor, int]]:
        """An actor of each, and the bytes it was made of: in one round trip, if none is long."""
        recalled = await self._recalled(aggregates)
        return [
            await self._revived(aggregate, each)
            for aggregate, each in zip(aggregates, recalled, strict=True)
        ]

    def due_after(self, actor: Actor, size: int) -> int:
        """The version at which a state is due to be kept, since one of this size was."""
        return actor.version + max(self._pauses[actor.decider.kind] or NEVER, size // EVENT_BYTES)

    async def _recalled(self, aggregates: Sequence[str]) -> list[Recalled]:
        if self._snapshots is None:
            histories = await self._ledger.load(aggregates, [0] * len(aggregates))
            return [Recalled(None, 0, history) for history in histories]
        schemas = [self._schema(kind_of(aggregate)) for aggregate in aggregates]
        return await self._snapshots.recall(aggregates, schemas)

    def _schema(self, kind: str) -> str:
        return self._domain.states[kind].schema if self._pauses[kind] else ""

    async def _revived(self, aggregate: str, recalled: Recalled) -> tuple[Actor, int]:
        """An actor; damaged, and said so, where its events cannot be read."""
        decider = self._domain.deciders[kind_of(aggregate)]
        actor = Actor(decider, decider.initial)
        try:
            actor.state, actor.version, events = self._domain.states[decider.kind].read(recalled)
        except Exception as error:  # noqa: BLE001 -- the actor's boundary: counted, and done without
            events = await self._without(aggregate, recalled, error)
        kept = len(recalled.snapshot or b"")
        size = kept + sum(len(event.data) for event in events)
        actor.due_at = self.due_after(actor, kept)
        if events:
            self._fold(aggregate, actor, events)
        return actor, size

    async def _without(
        self, aggregate: str, recalled: Recalled, error: Exception
    ) -> list[StoredEvent]:
        """All events of an aggregate whose snapshot is not believed."""
        reason = error.reason if isinstance(error, Unbelievable) else "damaged"
        SNAPSHOTS_IGNORED.labels(reason).inc()
        if reason != "schema":  # else a deployment would fill the log
            log.warning("snapshot.ignored", aggregate=aggregate, reason=reason, error=said(error))
        if recalled.events and recalled.events[0].version == 1:
            return recalled.events
        [events] = await self._ledger.load([aggregate], [0])
        return events

    def _fold(self, aggregate: str, actor: Actor, events: Sequence[StoredEvent]) -> None:
        """Take in what is above, and note whether that was much."""
        decode, began = self._domain.decode_event, monotonic()
        try:
            _check_unbroken(events, actor.version)
            actor.evolve(decode(each.type, each.data, each.meta) for each in events)
        except Exception as error:  # noqa: BLE001 -- the actor's boundary: reported, and answered
            actor.damage, actor.due_at = f"{aggregate} cannot be loaded: {said(error)}", NEVER
            actor.waits = isinstance(error, Unreadable)
            log.error("actor.damaged", aggregate=aggregate, error=said(error))
            return
        if self._pauses[actor.decider.kind] and monotonic() - began > SLOW_SECONDS:
            actor.due_at = actor.version
        if actor.version >= actor.due_at:
            actor.entry = entry_of(events[-1])


def _check_unbroken(events: Sequence[StoredEvent], above: int) -> None:
    """Raise `Torn` where a version is missing."""
    for due, stored in enumerate(events, above + 1):
        if stored.version != due:
            raise Torn(f"version {due} is missing")
