"""Deciders: given events, when a command, then events and timers, or no."""

from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, Self, TypeVar, cast

import anyio
import msgspec

from engine.core import codec, registry
from engine.core.decider import Decider, Decision, split
from engine.core.errors import Misuse, Rejected
from engine.core.messages import Command, CommandContext, Event
from engine.core.timers import TimerChange
from engine.testing import timers
from engine.testing.unchanged import leaving

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
"""When a command is decided in a test that does not say otherwise."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Decided:
    """What a command came to: its events and timers, or a rejection; and the state after it."""

    events: tuple[Event, ...]
    state: Any
    rejection: Rejected | None = None
    timers: tuple[TimerChange, ...] = ()
    """What is set and cancelled: of several changes to one timer the last one, which holds."""
    _are_timers_told: bool = False

    def then(self, *expected: Event | TimerChange) -> Self:
        """The command was accepted, and these events follow from it, in this order.

        So do these timers, in any order, and no others: none goes unnoticed, unless
        `then_timers` has looked at them before.
        """
        self._require_accepted(expected)
        events, changes = split(expected)
        if self.events != events:
            raise AssertionError(
                f"it decided {_shown(self.events)}; expected {_shown(events)}"
                + "".join(f"\n  {line}" for line in _differences(self.events, events))
            )
        return self if self._are_timers_told and not changes else self.then_timers(*changes)

    def then_timers(self, *expected: TimerChange) -> Self:
        """The command was accepted, and it sets and cancels these timers, whichever its events."""
        self._require_accepted(expected)
        unlike = list(timers.differences(self.timers, expected))
        if unlike:
            raise AssertionError(
                "its timers are others: name all of them in `then`, or in `then_timers`"
                + "".join(f"\n  {line}" for line in unlike)
            )
        return replace(self, _are_timers_told=True)

    def then_rejected(self, code: str) -> Rejected:
        """The command was rejected with this code; returns the rejection, to look closer."""
        if self.rejection is None:
            raise AssertionError(
                f"it decided {_shown(self.events)}; expected to be rejected: {code}"
            )
        if self.rejection.code != code:
            raise AssertionError(f"it was rejected, {self.rejection}; expected the code {code}")
        return self.rejection

    def _require_accepted(self, expected: Sequence[Event | TimerChange]) -> None:
        if self.rejection is not None:
            wanted = ", ".join(map(timers.shown, expected)) or "no events"
            raise AssertionError(f"it was rejected, {self.rejection}; expected {wanted}")


@dataclass(frozen=True)
class Given:
    """An aggregate with a history, and the services that its decider may ask for."""

    decider: Decider[Any]
    history: tuple[Event, ...]
    services: Sequence[object] = ()

    def when(self, command: Command, context: CommandContext | None = None) -> Decided:
        """What the decider says to a command; whatever else it raises comes out as it is.

        Unless a ``context`` is given, the command came at `NOON` and says nothing of a user.
        Raises `AssertionError` where a state is changed in place: its events alone may do that.
        """
        name = type(command).__name__
        domain = registry.build([self.decider], services=self.services)
        handlers = domain.commands
        if name not in handlers:
            raise Misuse(
                f"the decider of {self.decider.kind!r} takes no {name}; it takes "
                f"{', '.join(handlers)}"
            )
        handler = handlers[name]
        if handler.needs:
            wanted = ", ".join(handler.needs)
            raise Misuse(f"{name} needs services that nobody opens here ({wanted}): give objects")
        here = CommandContext("command-1", "1-0", name, f"{self.decider.kind}-1", NOON)
        state = self._evolved(self.decider.initial, self.history)

        def decide() -> tuple[tuple[Event, ...], tuple[TimerChange, ...]]:
            decision = handler.ask(command, state, lambda: context or here)
            if isinstance(decision, Coroutine):
                decision = awaited(decision)
            return split(cast("Decision", decision))

        try:
            events, changes = leaving(state, decide, f"deciding {name}")
        except Rejected as no:
            return Decided((), state, no)
        events = tuple(map(stored, events))
        last = {change.name: timers.kept(domain, change) for change in changes}
        return Decided(events, self._evolved(state, events), timers=tuple(last.values()))

    def _evolved(self, state: Any, events: Sequence[Event]) -> Any:
        for event in events:
            name = f"evolving by {type(event).__name__}"
            before, fact = state, stored(event)
            state = leaving(before, lambda: self.decider.evolve(before, fact), name)  # noqa: B023
        return state


def given(decider: Decider[Any], *history: Event, services: Sequence[object] = ()) -> Given:
    """An aggregate to which these events have happened."""
    return Given(decider, history, services)


def awaited(answer: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine comes to, for tests that are not ``async``."""

    async def wait() -> Answer:
        return await answer

    return anyio.run(wait)


def stored(event: Event) -> Event:
    """The event as it comes back from where it was stored."""
    return msgspec.json.decode(codec.encode(event), type=type(event))


def _shown(events: Sequence[Event]) -> str:
    return ", ".join(map(repr, events)) or "no events"


def _differences(events: Sequence[Event], expected: Sequence[Event]) -> Iterator[str]:
    """Where events are not those expected, event by event and field by field."""
    for number, (event, wanted) in enumerate(zip_longest(events, expected), 1):
        if event == wanted:
            continue
        if event is None or wanted is None:
            yield f"event {number} {'is missing' if event is None else 'is one too many'}"
        elif type(event) is not type(wanted):
            kinds = type(event).__name__, type(wanted).__name__
            yield f"event {number} is a {kinds[0]}; expected a {kinds[1]}"
        else:
            for name in event.__struct_fields__:
                got, due = getattr(event, name), getattr(wanted, name)
                if got != due:
                    kind = type(event).__name__
                    yield f"event {number}, {kind}.{name}: {got!r}; expected {due!r}"
