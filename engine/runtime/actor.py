"""Actors: the living aggregates of one partition, and what becomes of a command given to one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import CoroutineType
from typing import Any, NamedTuple, Self, cast

from engine.core.codec import encode, event_meta, of_version
from engine.core.decider import Decision, split
from engine.core.draft import Answer, refused
from engine.core.errors import Rejected
from engine.core.intake import Received
from engine.core.messages import Event
from engine.core.outcome import Status
from engine.core.ports import Histories, Ledger, Snapshots
from engine.core.records import NewEvent
from engine.core.refusal import Refusal
from engine.core.registry import Domain
from engine.core.routing import kind_of
from engine.core.timebook import TimerBook
from engine.core.waiting import UNREADABLE, Deferral
from engine.runtime.faults import declined, failed
from engine.runtime.reviving import Reviving
from engine.runtime.snapshots import SnapshotWriter
from engine.runtime.warm import Actor, Bounds, WarmActors
from engine.settings import Settings
from engine.telemetry.actors import forget_actors, show_actors


class Limits(NamedTuple):
    """How much one command may cause."""

    events: int
    event_bytes: int

    @classmethod
    def under(cls, settings: Settings) -> Self:
        """As settings have it."""
        return cls(settings.events_per_command, settings.event_bytes)


class Actors:
    """The actors of one partition; the least recently used go when there are too many."""

    def __init__(  # noqa: PLR0913 -- what actors are made of, and what bounds them
        self,
        ledger: Histories,
        domain: Domain,
        bounds: Bounds,
        limits: Limits,
        timers: TimerBook,
        snapshots: Snapshots | None = None,
        snapshot_events: int = 0,
    ) -> None:
        self._ledger, self._domain = ledger, domain
        self._limits, self._timers = limits, timers
        self._actors = WarmActors(bounds)
        self._reviving = Reviving(ledger, domain, snapshots, snapshot_events)
        self._snapshots = SnapshotWriter(snapshots, domain, self._actors, self._reviving)

    @classmethod
    def under(
        cls, settings: Settings, partitions: int, ledger: Ledger, domain: Domain, timers: TimerBook
    ) -> Self:
        """Actors of one of so many partitions, as settings bound them."""
        return cls(
            ledger, domain, Bounds.share(settings, partitions), Limits.under(settings), timers,
            ledger.snapshots, settings.snapshot_events,
        )  # fmt: skip

    async def load(self, aggregates: Iterable[str]) -> dict[str, int]:
        """Bring aggregates to life, in one round trip; returns the version of each.

        The least recently used make room.
        """
        wanted, actors = list(aggregates), self._actors
        cold = actors.touch(wanted)
        if cold:
            revived = await self._reviving.revive(cold)
            for aggregate, (actor, size) in zip(cold, revived, strict=True):
                actors.admit(aggregate, actor, size)
                self._look(aggregate, actor)
        actors.evict(len(wanted))
        return {aggregate: actors[aggregate].version for aggregate in wanted}

    async def count(self, aggregates: Iterable[str]) -> dict[str, int]:
        """The version of each aggregate, without bringing any to life: that may kill."""
        wanted = list(aggregates)
        histories = await self._ledger.load(wanted, [0] * len(wanted))
        return {one: len(history) for one, history in zip(wanted, histories, strict=True)}

    def addressed(self, received: Sequence[Received]) -> Iterable[str]:
        """The aggregates that commands are for, each once, in their order."""
        deciders = self._domain.deciders
        return dict.fromkeys(
            command.aggregate
            for command in received
            if command.addressed and kind_of(command.aggregate) in deciders
        )

    async def settle(self) -> None:
        """Do what is due once every event of the actors is committed; raises `Fenced`."""
        await self._snapshots.write()

    def show(self, partition: int) -> None:
        """Say of a partition how many there are, until it is given up."""
        show_actors(partition, lambda: len(self._actors), lambda: self._actors.bytes)

    def forget(self, partition: int) -> None:
        """Say no more of the actors of a partition that is given up."""
        forget_actors(partition)

    def _look(self, aggregate: str, actor: Actor) -> None:
        """Note where a snapshot is due."""
        if actor.version >= actor.due_at:
            self._snapshots.due[aggregate] = None

    def decide(self, received: Received) -> Answer | Deferral | None:
        """Let a command's actor decide, and take in what follows from it. Never raises.

        Nearly every decider decides at once: no task is made for those. None where this one
        turns out to wait for something: `begin` asks it again.
        """
        answer = self.begin(received)
        if isinstance(answer, CoroutineType):
            answer.close()
            return None
        return answer

    def begin(self, received: Received) -> "Answer | Deferral | CoroutineType[Any, Any, Decision]":
        """`decide`, or, where a decider waits for something, what `finish` takes in later.

        The aggregate must get no other event meanwhile.
        """
        actor = self._actors[received.aggregate]
        try:
            if (answer := self._precluded(received, actor)) is not None:
                return answer
            decision = self._ask(received, actor)
            if isinstance(decision, CoroutineType):
                return decision
            return self._accepted(received, actor, cast("Decision", decision))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the actor's boundary
            return declined(error)

    def finish(self, received: Received, decision: Callable[[], Decision]) -> Answer | Deferral:
        """Take in what follows from a decision, which may raise what its decider has raised."""
        try:
            return self._accepted(received, self._actors[received.aggregate], decision())
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the actor's boundary
            return declined(error)

    def _ask(self, received: Received, actor: Actor) -> Decision | Awaitable[Decision]:
        handler = received.handler
        if handler is None:  # pragma: no cover -- `receive` gives a command a handler
            raise AssertionError(received)
        return handler.ask(received.command, actor.state, received.context)

    def _accepted(self, received: Received, actor: Actor, decision: Decision) -> Answer:
        """The answer yes, once the events are encoded and the actor has taken them in."""
        events, changes = split(decision)
        new = self._encoded(received, actor, events) if events else ()
        if changes and (endless := self._timers.endless(received, changes)):
            return failed(received, "endless", endless)
        timers = self._timers.writes(received, changes) if changes else ()
        actor.evolve(events)
        self._timers.note(timers)
        if new:
            actor.entry = received.entry
            self._actors.grow(actor, sum([len(event.data) for event in new]))
            self._look(received.aggregate, actor)
        return Answer(Status.ACCEPTED, events=new, timers=timers)

    def _encoded(
        self, received: Received, actor: Actor, events: Sequence[Event]
    ) -> tuple[NewEvent, ...]:
        meta = event_meta(received.id, received.entry, received.time, received.meta)
        known = self._domain.kind_events[actor.decider.kind]
        new, size = [], 0
        for event in events:
            name, data, version = type(event).__name__, encode(event), type(event).__event_version__
            if name not in known:
                raise TypeError(f"{name} is not in the annotation of its kind's `evolve`")
            new.append(NewEvent(name, data, meta if version == 1 else of_version(meta, version)))
            size += len(data)
        if len(new) > self._limits.events or size > self._limits.event_bytes:
            raise Rejected(
                "too_large",
                f"{len(new)} events of {size} bytes would follow; at most {self._limits.events} "
                f"events and {self._limits.event_bytes} bytes may",
            )
        return tuple(new)

    def _precluded(self, received: Received, actor: Actor) -> Answer | Deferral | None:
        """The answer to a command that need not be decided, or cannot yet; None where it must."""
        expected = received.meta.expect
        if actor.waits:
            return Deferral(UNREADABLE, actor.damage)
        if actor.damage:
            return failed(received, "damaged", actor.damage)
        if received.fired is not None and (stale := self._timers.stale(received.fired)):
            return refused(stale, of_id=False)
        if expected is not None and expected != actor.version:
            message = f"{received.aggregate} is at version {actor.version}, not {expected}"
            return refused(Refusal("version_conflict", message))
        return None
