"""A decider: the rules of one kind of aggregate, as three plain things."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from engine.core.messages import Command, Event
from engine.core.retry import Retry

State = TypeVar("State")

Decision: TypeAlias = Event | Iterable[Event] | None
"""What a decider answers: the events that follow, perhaps none. It raises `Rejected` for no."""


@dataclass(frozen=True, kw_only=True)
class Decider(Generic[State]):
    """The rules of the aggregates whose ids begin with ``<kind>-``.

    ``decide`` is one function per command, ``(command, state, …) -> events``: the
    annotation of its first parameter says which command it answers, a union for several.
    Parameters after the state are filled in by their type: a `CommandContext`, or one of
    the services of the ``handlers`` package. It may be ``async``, it may run more than
    once for one command, and must not act on the outside world.

    ``evolve`` is ``(state, event) -> state``, with no other effect; the annotation of its
    second parameter lists the kind's events. States are never changed in place.

    ``retry`` limits, for some commands, what is done where a decider raises something else than
    `Rejected`, or is slow; for all others the settings do.
    """

    kind: str
    initial: State
    decide: Sequence[Callable[..., Decision | Awaitable[Decision]]]
    evolve: Callable[[State, Any], State]
    retry: Mapping[type[Command], Retry] = field(default_factory=dict)


def events_of(decision: Decision) -> tuple[Event, ...]:
    """A decision as a tuple; raises `TypeError` where something in it is no event."""
    if decision is None:
        return ()
    if isinstance(decision, Event):
        return (decision,)
    events = tuple(decision)
    for event in events:
        if not isinstance(event, Event):
            raise TypeError(f"a decider returned {type(event).__name__}, which is not an Event")
    return events
