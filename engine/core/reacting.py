"""Reacting: events turned into commands for others.

::

    fulfilment = Router(name="fulfilment", routes=[begin, reserve, compensate])

    def begin(event: OrderCreated, context: EventContext) -> Send:
        return send(f"fulfilment-{context.aggregate}", BeginFulfilment(lines=event.lines))

A process manager is a decider like any other, of its own kind: what it wishes are its events.
Routes carry events of others to it as commands, and its wishes to others; and what became of
them, where the answer was no.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from engine.core.errors import Misregistered
from engine.core.messages import Command, Event, EventContext
from engine.core.outcome import Status
from engine.core.signatures import hints_of, place_of, taken

_OURS = frozenset({"commands", "dead", "inbox", "schedule", "timer"})
"""What other sources of commands and of dead letters are called."""


@dataclass(frozen=True, slots=True)
class Send:
    """A command for an aggregate; made by `send`."""

    aggregate: str
    command: Command


def send(aggregate: str, command: Command) -> Send:
    """Ask for a command: what a route answers. It is submitted exactly once."""
    return Send(aggregate, command)


class Rejection(msgspec.Struct, frozen=True):
    """What became of a command that a route asked for, where the answer was no.

    ``command`` is its type and ``aggregate`` whom it was for; ``status`` is ``rejected`` or
    ``failed``, for the reason ``code`` and ``message``. ``cause`` is the aggregate whose event
    it followed from: where that is a process manager, it is the one to be told.
    """

    command: str
    aggregate: str
    status: Status
    code: str
    message: str
    cause: str


Routed: TypeAlias = Iterable[Send] | Send | None
"""What a route answers: what it asks for, in this order, perhaps nothing."""


@dataclass(frozen=True, kw_only=True)
class Router:
    """Routes that are served together, under one name, each in the order of the log.

    A route is a function of ``(event)`` or ``(event, context)``: the annotation of its first
    parameter says which events it takes, a union for several; with `Rejection` it hears what
    became of this router's commands. It may run more than once for one event, and must answer
    the same each time: it looks at nothing but what it is given.
    """

    name: str
    routes: Sequence[Callable[..., Routed]]


@dataclass(frozen=True, slots=True)
class Route:
    """One function of a router, for one type of event."""

    ask: Callable[..., Routed]
    wants_context: bool


@dataclass(frozen=True, slots=True)
class Routes:
    """A router's functions, by the types of the events that they take."""

    events: Mapping[type[Event], Route]
    on_rejection: Route | None


def routes_of(router: Router) -> Routes:
    """A router's functions, checked; raises `Misregistered`."""
    require_name(router.name, "router")
    routes: dict[type, Route] = {}
    for function in router.routes:
        route = Route(function, wants_context(function))
        for kind in taken(function, 0, Event, Rejection):
            if kind in routes:
                raise Misregistered(
                    f"the router {router.name!r} has two functions for {kind.__name__}; one is at "
                    f"{place_of(function)}"
                )
            routes[kind] = route
    return Routes(
        {kind: route for kind, route in routes.items() if issubclass(kind, Event)},
        routes.get(Rejection),
    )


def reacting_as(name: str) -> str:
    """What those who serve a router say that they serve."""
    return f"reaction:{name}"


def require_name(name: str, what: str) -> None:
    """Raise `Misregistered` for a name that is no word, or ours: it stands in keys and ids."""
    if not name.isidentifier() or not name.isascii() or name in _OURS:
        raise Misregistered(
            f"a {what}'s name is a word of letters, digits and _, none of "
            f"{', '.join(sorted(_OURS))}; not {name!r}"
        )


def wants_context(function: Callable[..., object], context: type = EventContext) -> bool:
    """Whether a function of an event takes a context too; raises `Misregistered` for more."""
    parameters = list(inspect.signature(function).parameters)[1:]
    wants = [hints_of(function).get(name) for name in parameters] == [context]
    if parameters and not wants:
        raise Misregistered(
            f"{place_of(function)}: {function.__name__} takes an event, and a context: "
            f"{context.__name__} if it wants one, nothing else"
        )
    return wants


def sends_of(routed: Routed) -> tuple[Send, ...]:
    """A route's answer as a tuple; raises `TypeError` where something in it is none."""
    if routed is None:
        return ()
    if isinstance(routed, Send):
        return (routed,)
    sends = tuple(routed)
    for each in sends:
        if not isinstance(each, Send):
            raise TypeError(f"a route returned {type(each).__name__}, which is not a Send")
    return sends
