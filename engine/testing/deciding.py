"""Deciders: given events, when a command, then events, or no."""

from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, Self, TypeVar, cast

import anyio
import msgspec

from engine.core import codec, registry
from engine.core.decider import Decider, Decision, events_of
from engine.core.errors import Misuse, Rejected
from engine.core.messages import Command, CommandContext, Event
from engine.testing.unchanged import leaving

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
"""When a command is decided in a test that does not say otherwise."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Decided:
    """What a command came to: its events, or a rejection; and the state after it."""

    events: tuple[Event, ...]
    state: Any
    rejection: Rejected | None = None

    def then(self, *expected: Event) -> Self:
        """The command was accepted, and these events follow from it, in this order."""
        if self.rejection is not None:
            raise AssertionError(f"it was rejected, {self.rejection}; expected {_shown(expected)}")
        if self.events != expected:
            raise AssertionError(
                f"it decided {_shown(self.events)}; expected {_shown(expected)}"
                + "".join(f"\n  {line}" for line in _differences(self.events, expected))
            )
        return self

    def then_rejected(self, code: str) -> Rejected:
        """The command was rejected with this code; returns the rejection, to look closer."""
        if self.rejection is None:
            raise AssertionError(
                f"it decided {_shown(self.events)}; expected to be rejected: {code}"
            )
        if self.rejection.code != code:
            raise AssertionError(f"it was rejected, {self.rejection}; expected the code {code}")
        return self.rejection


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
        handlers = registry.build([self.decider], services=self.services).commands
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

        def decide() -> tuple[Event, ...]:
            decision = handler.ask(command, state, lambda: context or here)
            if isinstance(decision, Coroutine):
                decision = awaited(decision)
            return events_of(cast("Decision", decision))

        try:
            events = leaving(state, decide, f"deciding {name}")
        except Rejected as no:
            return Decided((), state, no)
        events = tuple(map(_stored, events))
        return Decided(events, self._evolved(state, events))

    def _evolved(self, state: Any, events: Sequence[Event]) -> Any:
        for event in events:
            name = f"evolving by {type(event).__name__}"
            before, fact = state, _stored(event)
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


def _stored(event: Event) -> Event:
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
