"""A decider: the rules of one kind of aggregate, as three plain things."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from engine.core.messages import Command, Event
from engine.core.retry import Retry
from engine.core.timers import CancelTimer, SetTimer, TimerChange

State = TypeVar("State")

Decision: TypeAlias = Event | TimerChange | Iterable[Event | TimerChange] | None
"""What a decider answers: the events that follow, perhaps none, and timers to set and cancel.

It raises `Rejected` for no."""


@dataclass(frozen=True, kw_only=True)
class Decider(Generic[State]):
    """The rules of the aggregates whose ids begin with ``<kind>-``.

    ``decide`` is one function per command, ``(command, state, …) -> events``: the
    annotation of its first parameter says which command it answers, a union for several.
    Parameters after the state are filled in by their type: a `CommandContext`, or one of
    the services of the ``handlers`` package. It may be ``async``, it may run more than
    once for one command, and must not act on the outside world. A plain function may also
    answer with a coroutine, where it turns out to wait: all else it decides at once, which is
    several times cheaper.

    ``evolve`` is ``(state, event) -> state``, with no other effect; the annotation of its
    second parameter lists the kind's events. States are never changed in place.

    ``retry`` limits, for some commands, what is done where a decider raises something else than
    `Rejected`, or is slow; for all others the settings do.

    ``snapshot_events`` is after how many events its states are kept, 0 for never; unset, the
    setting of that name says.
    """

    kind: str
    initial: State
    decide: Sequence[Callable[..., Decision | Awaitable[Decision]]]
    evolve: Callable[[State, Any], State]
    retry: Mapping[type[Command], Retry] = field(default_factory=dict)
    snapshot_events: int | None = None


def events_of(decision: Decision) -> tuple[Event, ...]:
    """The events of a decision; raises `TypeError` where something in it has no place there."""
    return split(decision)[0]


def split(decision: Decision) -> tuple[tuple[Event, ...], tuple[TimerChange, ...]]:
    """A decision as its events and its timers; raises as `events_of` does."""
    if decision is None:
        return (), ()
    if isinstance(decision, Event):
        return (decision,), ()
    if isinstance(decision, SetTimer | CancelTimer):
        return (), (decision,)
    events: list[Event] = []
    timers: list[TimerChange] = []
    for one in decision:
        if isinstance(one, Event):
            events.append(one)
        elif isinstance(one, SetTimer | CancelTimer):
            timers.append(one)
        else:
            kind = type(one).__name__
            raise TypeError(f"a decider returned {kind}, which is not an Event, nor a timer")
    return tuple(events), tuple(timers)
