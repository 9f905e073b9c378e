"""The registered domain: which function answers which message.

Registration is explicit: packages list what they have, ``handlers`` its ``deciders`` and more,
``projections`` its ``projections`` and ``queries``. Which message a function takes says the
annotation of its first parameter. What contradicts itself is a `Misregistered`, naming both places.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from engine.core.codec import VERSIONED
from engine.core.confinement import require_query_handler
from engine.core.decider import Decider
from engine.core.effects import Deeds
from engine.core.errors import Misregistered, Misuse, Unreadable
from engine.core.handling import CommandHandler, command_handler
from engine.core.indexing import require_indexes
from engine.core.messages import Command, Event, Query
from engine.core.projection import Operation, Projection
from engine.core.reacting import Routes, require_name, wants_context
from engine.core.routing import id_fault
from engine.core.schedules import Recurring
from engine.core.services import Offered, offered
from engine.core.signatures import place_of, subclasses, taken
from engine.core.snapshots import States, states_of
from engine.core.upcasting import Upcaster, chain, lifted, require_steps, require_version, steps_of
from engine.core.writers import require_one_writer


@dataclass(frozen=True, slots=True)
class EventHandler:
    """One projection's function for one event type."""

    apply: Callable[..., Iterable[Operation]]
    wants_context: bool


@dataclass(frozen=True, slots=True)
class QueryHandler:
    """One query type and the function that answers it."""

    query: type[Query[Any]]
    answer: Callable[..., Awaitable[Any]]
    place: str


@dataclass(slots=True)
class Domain:
    """Everything registered, by the names that travel."""

    deciders: dict[str, Decider[Any]] = field(default_factory=dict)
    commands: dict[str, CommandHandler] = field(default_factory=dict)
    events: dict[str, type[Event]] = field(default_factory=dict)
    kind_events: dict[str, frozenset[str]] = field(default_factory=dict)
    projections: dict[str, Projection[Any]] = field(default_factory=dict)
    event_handlers: dict[str, dict[str, EventHandler]] = field(default_factory=dict)
    queries: dict[str, QueryHandler] = field(default_factory=dict)
    routers: dict[str, Routes] = field(default_factory=dict)
    effects: dict[str, Deeds] = field(default_factory=dict)
    decoders: dict[str, msgspec.json.Decoder[Any]] = field(default_factory=dict)
    upcasters: Mapping[str, Mapping[int, Upcaster]] = field(default_factory=dict)
    states: Mapping[str, States] = field(default_factory=dict)
    schedules: dict[str, Recurring] = field(default_factory=dict)
    services: tuple[Offered, ...] = ()

    @property
    def reactions(self) -> tuple[str, ...]:
        """The names of routers and side effects."""
        return (*self.routers, *self.effects)

    def decode_event(self, kind: str, data: bytes, meta: bytes) -> Event:
        """An event as it was stored, whichever version of its type stored it.

        Every recorded event is read here. Raises `Unreadable` or a msgspec error.
        """
        decoder = self.decoders.get(kind)
        if decoder is None:
            raise Unreadable(f"no event {kind} is known here: newer code stored it, or it is gone")
        if kind in self.upcasters or meta.startswith(VERSIONED):
            data = lifted(self.events[kind], self.upcasters.get(kind, {}), data, meta)
        event: Event = decoder.decode(data)
        return event

    def upcasters_of(self, projection: str) -> list[Upcaster]:
        """The upcasters of the events that a projection takes: its rows follow from them too."""
        return chain(self.upcasters, self.event_handlers[projection])

    def query_handler(self, name: str) -> QueryHandler:
        """Who answers a query; raises `Misuse`."""
        if name not in self.queries:
            raise Misuse(f"no query {name} is registered in the projections package")
        return self.queries[name]

    def bound(self, services: Mapping[Offered, object]) -> "Domain":
        """The same one, its deciders and side effects handed services that have been opened."""
        commands = {name: handler.bound(services) for name, handler in self.commands.items()}
        effects = {name: deeds.bound(services) for name, deeds in self.effects.items()}
        return replace(self, commands=commands, effects=effects)

    def needed_to_decide(self) -> set[Offered]:
        """The services that a process opens which decides: all but those of side effects alone."""
        asked = {each for handler in self.commands.values() for each in handler.needs.values()}
        return {*self.services} - (self.needed_to_react(self.effects) - asked)

    def needed_to_react(self, names: Iterable[str]) -> set[Offered]:
        """The services that a process opens which serves these reactions."""
        return set().union(*(self.effects[each].needs for each in names if each in self.effects))


def build(
    deciders: Sequence[Decider[Any]] = (),
    projections: Sequence[Projection[Any]] = (),
    queries: Sequence[Callable[..., Awaitable[Any]]] = (),
    services: Sequence[object] = (),
    upcasters: Sequence[Upcaster] = (),
) -> Domain:
    """Check and index a domain; raises `Misregistered`."""
    domain = Domain(services=offered(services))
    for decider in deciders:
        _add_decider(domain, decider, domain.services)
    for projection in projections:
        _add_projection(domain, projection)
        require_one_writer(projection, domain.kind_events)
    for answer in queries:
        _add_query(domain, answer)
    domain.upcasters = steps_of(upcasters, domain.events)
    domain.states = states_of(domain.deciders, domain.kind_events, domain.upcasters)
    return domain


def require_readable(domain: Domain) -> None:
    """Raise `Misregistered` for an event that could not be read in every version it ever had."""
    for name, event in domain.events.items():
        require_steps(event, domain.upcasters.get(name, {}))


def require_handled(domain: Domain, package: str) -> None:
    """Raise `Misregistered` for a command defined in ``package`` that no decider takes."""
    for command in subclasses(Command):
        in_package = command.__module__ == package or command.__module__.startswith(f"{package}.")
        handler = domain.commands.get(command.__name__)
        if in_package and (handler is None or handler.command is not command):
            raise Misregistered(
                f"nobody handles {command.__name__}, defined at {place_of(command)}: add a "
                f"function that takes it to its decider's `decide`, or remove the class"
            )


def _add_decider(domain: Domain, decider: Decider[Any], services: Sequence[Offered]) -> None:
    if "-" in decider.kind or id_fault(decider.kind):
        raise Misregistered(f"{decider.kind!r} cannot be a kind: it begins ids such as order-42")
    if decider.kind in domain.deciders:
        raise Misregistered(f"two deciders are registered for the kind {decider.kind!r}")
    domain.deciders[decider.kind] = decider
    for function in decider.decide:
        for command in taken(function, 0, Command):
            _add_command(domain, command, command_handler(command, decider, function, services))
    for command in decider.retry:
        handler = domain.commands.get(command.__name__)
        if handler is None or handler.decider is not decider:
            raise Misregistered(
                f"the decider of {decider.kind!r} limits retries of {command.__name__}, which it "
                f"does not decide"
            )
    events = taken(decider.evolve, 1, Event)
    for event in events:
        add_event(domain, event)
    domain.kind_events[decider.kind] = frozenset(event.__name__ for event in events)


def _add_command(domain: Domain, command: type[Command], handler: CommandHandler) -> None:
    other = domain.commands.get(command.__name__)
    if other is not None:
        raise Misregistered(
            f"two functions handle {command.__name__}: {other.place} and {handler.place}"
        )
    domain.commands[command.__name__] = handler


def add_event(domain: Domain, event: type[Event]) -> None:
    """Have an event be known by its name; raises `Misregistered`."""
    other = domain.events.get(event.__name__)
    if other is not None and other is not event:
        raise Misregistered(
            f"two events are called {event.__name__}: {place_of(other)} and {place_of(event)}"
        )
    if event.__name__.startswith("_"):
        raise Misregistered(f"{place_of(event)}: names of events do not begin with _, as ours do")
    require_version(event)
    domain.events[event.__name__] = event
    try:
        domain.decoders[event.__name__] = msgspec.json.Decoder(event)
    except TypeError as error:
        raise Misregistered(
            f"{place_of(event)}: {event.__name__} cannot be stored: {error}"
        ) from error


def _add_projection(domain: Domain, projection: Projection[Any]) -> None:
    name = projection.name
    if name in domain.projections:
        raise Misregistered(f"two projections are called {name!r}")
    require_name(name, "projection")
    handlers: dict[str, EventHandler] = {}
    for function in projection.on:
        with_context = wants_context(function)
        for event in taken(function, 0, Event):
            if event.__name__ in handlers:
                raise Misregistered(
                    f"the projection {name!r} has two functions for {event.__name__}; "
                    f"one is at {place_of(function)}"
                )
            add_event(domain, event)
            handlers[event.__name__] = EventHandler(function, with_context)
    require_indexes(projection)
    domain.projections[name] = projection
    domain.event_handlers[name] = handlers


def _add_query(domain: Domain, answer: Callable[..., Awaitable[Any]]) -> None:
    require_query_handler(answer)
    for query in taken(answer, 0, Query):
        handler = QueryHandler(query, answer, place_of(answer))
        other = domain.queries.setdefault(query.__name__, handler)
        if other is not handler:
            raise Misregistered(
                f"two functions answer {query.__name__}: {other.place} and {handler.place}"
            )
