"""Routers: given an event, or a refusal, then commands for others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from engine.core import registry
from engine.core.decider import Decider
from engine.core.errors import Misuse
from engine.core.messages import Event, EventContext
from engine.core.reacting import Rejection, Router, Send, routes_of, sends_of
from engine.core.routed import checked
from engine.testing.deciding import NOON, stored


@dataclass(frozen=True)
class Routed:
    """What a router asks for because of an event, in this order."""

    sends: tuple[Send, ...]

    def then_sends(self, *expected: Send) -> None:
        """These commands follow, in this order; without any, none does."""
        if self.sends != expected:
            raise AssertionError(
                f"it sends {_shown(self.sends)}; expected {_shown(expected)}"
                + "".join(f"\n  {line}" for line in _differences(self.sends, expected))
            )


@dataclass(frozen=True)
class GivenRouter:
    """A router, and the deciders that its commands are held against."""

    router: Router
    deciders: Sequence[Decider[Any]]

    def on(
        self,
        event: Event | Rejection,
        *,
        aggregate: str | None = None,
        context: EventContext | None = None,
    ) -> Routed:
        """What follows from an event of an ``aggregate``, or from a refusal.

        Where a route looks at more of the context than that, give it one. Raises whatever the
        route raises, `AssertionError` where it answers something else when it is asked again,
        and, where there are deciders, `Misuse` for a command that none of them takes.
        """
        routes, kind = routes_of(self.router), type(event)
        fact = stored(event) if isinstance(event, Event) else event
        route = routes.events.get(type(fact)) if isinstance(fact, Event) else routes.on_rejection
        if route is None:
            known = ", ".join(each.__name__ for each in routes.events)
            raise Misuse(
                f"no route of {self.router.name!r} takes {kind.__name__}; they take {known}"
            )
        about = (context or _context(kind, aggregate),) if route.wants_context else ()
        sends, again = (sends_of(route.ask(fact, *about)) for _ in range(2))
        if sends != again:
            raise AssertionError(
                f"asked again about {kind.__name__}, it sends {_shown(again)}, not "
                f"{_shown(sends)}: a route must answer the same each time"
            )
        domain = registry.build(self.deciders) if self.deciders else None
        return Routed(tuple(checked(domain, each) for each in sends))


def given_router(router: Router, *, deciders: Sequence[Decider[Any]] = ()) -> GivenRouter:
    """A router; with ``deciders``, those of the ``handlers`` package, what it sends is checked."""
    return GivenRouter(router, deciders)


def _context(kind: type, aggregate: str | None) -> EventContext:
    if aggregate is None:
        raise Misuse(f"the route of {kind.__name__} asks for its context: say whose event it is")
    return EventContext(aggregate, 1, 0, 1, NOON, "command-1", "1-0")


def _shown(sends: Sequence[Send]) -> str:
    return ", ".join(map(_written, sends)) or "nothing"


def _written(one: Send) -> str:
    return f"send({one.aggregate!r}, {one.command!r})"


def _differences(sends: Sequence[Send], expected: Sequence[Send]) -> Iterator[str]:
    """Where what is sent is not what was expected, one after the other."""
    for number, (sent, wanted) in enumerate(zip_longest(sends, expected), 1):
        if sent is None:
            yield f"{number} is missing: {_written(wanted)}"
        elif wanted is None:
            yield f"{number} is one too many: {_written(sent)}"
        elif sent != wanted:
            yield f"{number} is {_written(sent)}; expected {_written(wanted)}"
