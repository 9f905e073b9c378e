"""Actors: the living aggregates of one partition, and what becomes of a command given to one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from engine.core.codec import encode, event_meta, of_version
from engine.core.decider import Decider, Decision, split
from engine.core.draft import Answer, refused
from engine.core.errors import Rejected, Torn, Unreadable
from engine.core.intake import Received
from engine.core.messages import Event
from engine.core.outcome import Status
from engine.core.ports import Histories
from engine.core.records import NewEvent, StoredEvent
from engine.core.refusal import Refusal
from engine.core.registry import Domain
from engine.core.routing import kind_of
from engine.core.timebook import TimerBook
from engine.core.waiting import UNREADABLE, Deferral
from engine.runtime.faults import declined, failed, said
from engine.telemetry import log


class Actor(msgspec.Struct, gc=False):
    """One aggregate: its state, how many events made it, or why it cannot be loaded."""

    decider: Decider[Any]
    state: Any
    version: int = 0
    damage: str = ""
    waits: bool = False
    """Whether it is damaged only for the code here, and other code may read its events."""

    def evolve(self, events: Iterable[Event]) -> None:
        """Take events in, all or, when one raises, none."""
        state, version = self.state, self.version
        for event in events:
            state, version = self.decider.evolve(state, event), version + 1
        self.state, self.version = state, version


class Limits(NamedTuple):
    """How much one command may cause."""

    events: int
    event_bytes: int


class Actors:
    """The actors of one partition; the least recently used go when there are too many."""

    def __init__(
        self, ledger: Histories, domain: Domain, count_limit: int, limits: Limits, timers: TimerBook
    ) -> None:
        self._ledger, self._domain = ledger, domain
        self._count_limit, self._limits, self._timers = count_limit, limits, timers
        self._actors: dict[str, Actor] = {}

    async def load(self, aggregates: Iterable[str]) -> dict[str, int]:
        """Bring aggregates to life, in one round trip; returns the version of each.

        The least recently used make room.
        """
        wanted = list(aggregates)
        cold = self._touch(wanted)
        if cold:
            self._evict(len(wanted), len(cold))
            histories = await self._ledger.load(cold, [0] * len(cold))
            for aggregate, history in zip(cold, histories, strict=True):
                self._actors[aggregate] = self._revived(aggregate, history)
        return {aggregate: self._actors[aggregate].version for aggregate in wanted}

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

    def _touch(self, wanted: Iterable[str]) -> list[str]:
        """Move what is warm to the young end; returns what is cold."""
        cold: list[str] = []
        for aggregate in wanted:
            actor = self._actors.pop(aggregate, None)
            if actor is None:
                cold.append(aggregate)
            else:
                self._actors[aggregate] = actor
        return cold

    def _evict(self, wanted: int, cold: int) -> None:
        """Forget the oldest, so that ``cold`` more fit in; never what is wanted now."""
        idle = len(self._actors) - (wanted - cold)
        over = len(self._actors) + cold - self._count_limit
        for _ in range(min(idle, over)):
            del self._actors[next(iter(self._actors))]

    def _revived(self, aggregate: str, history: Sequence[StoredEvent]) -> Actor:
        """An actor from its events; damaged, and said so, where they cannot be read."""
        decider = self._domain.deciders[kind_of(aggregate)]
        actor = Actor(decider, decider.initial)
        if not history:
            return actor
        try:
            _check_unbroken(history)
            actor.evolve(self._domain.decode_event(e.type, e.data, e.meta) for e in history)
        except Exception as error:  # noqa: BLE001 -- the actor's boundary: reported, and answered
            actor.damage = f"{aggregate} cannot be loaded: {said(error)}"
            actor.waits = isinstance(error, Unreadable)
            log.error("actor.damaged", aggregate=aggregate, error=said(error))
        return actor

    def decide(self, received: Received) -> Answer | Deferral:
        """Let a command's actor decide, and take in what follows from it. Never raises.

        Nearly every decider decides at once: no coroutine is made for those.
        """
        actor = self._actors[received.aggregate]
        try:
            return self._precluded(received, actor) or self._accepted(
                received, actor, cast("Decision", self._ask(received, actor))
            )
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the actor's boundary
            return declined(error)

    def begin(self, received: Received) -> Answer | Deferral | Awaitable[Decision]:
        """`decide`, or, where a decider may wait for something, what `finish` takes in later.

        The aggregate must get no other event meanwhile.
        """
        if not received.may_wait:
            return self.decide(received)
        actor = self._actors[received.aggregate]
        try:
            return self._precluded(received, actor) or cast(
                "Awaitable[Decision]", self._ask(received, actor)
            )
        except Exception as error:  # noqa: BLE001 -- the actor's boundary
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
        timers = self._timers.writes(received, changes) if changes else ()
        actor.evolve(events)
        self._timers.note(timers)
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


def _check_unbroken(history: Sequence[StoredEvent]) -> None:
    """Raise `Torn` where a version is missing."""
    for due, stored in enumerate(history, 1):
        if stored.version != due:
            raise Torn(f"version {due} is missing")
