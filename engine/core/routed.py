"""From an event of the log to the commands that a router asks for because of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from engine.core.codec import encode, event_context, read_event_meta
from engine.core.errors import Misuse
from engine.core.inside import Cause, reaction_id
from engine.core.messages import EventMeta
from engine.core.reacting import Send, sends_of
from engine.core.records import LoggedEvent
from engine.core.registry import Domain
from engine.core.rejections import REJECTED, rejection_for
from engine.core.routing import aggregate_fault, kind_of, partition_of


class Wish(NamedTuple):
    """A command that follows from the event at a position, for a partition: its five fields."""

    position: int
    target: int
    fields: Mapping[str, bytes]


Routing = Callable[[int, LoggedEvent, int], Sequence[Wish]]
"""Given a partition, one of its events, and which of its command's events that is."""


class Bounds(NamedTuple):
    """How large a command may be, in bytes; how many may follow from one event, or in a row."""

    command_bytes: int
    commands: int
    depth: int


class Indexes:
    """Which of its command's events each one of a log is, from 0, as they go by in order."""

    def __init__(self, before: Sequence[LoggedEvent] = ()) -> None:
        self._entry, self._index = "", -1
        for event in before:
            self.of(event)

    def of(self, event: LoggedEvent) -> int:
        """The next event's index: all of a command's stand together."""
        entry = read_event_meta(event.meta).entry
        self._index = self._index + 1 if entry == self._entry else 0
        self._entry = entry
        return self._index


def routing(domain: Domain, router: str, partitions: int, secret: bytes, bounds: Bounds) -> Routing:
    """What a router asks for because of events; of those that it does not take, nothing.

    It raises whatever the router's code raises, and `Misuse` for a command that nobody takes.
    """
    routes = domain.routers[router]
    by_name = {event.__name__: route for event, route in routes.events.items()}
    if routes.on_rejection is not None:
        by_name[REJECTED] = routes.on_rejection
    wish = _Wishing(domain, partitions, secret, bounds).wish

    def route(partition: int, event: LoggedEvent, index: int) -> Sequence[Wish]:
        found = by_name.get(event.type)
        if found is None:
            return ()
        fact: Any
        if event.type == REJECTED:
            fact = rejection_for(router, event)
        else:
            fact = domain.decode_event(event.type, event.data, event.meta)
        if fact is None:
            return ()
        meta = read_event_meta(event.meta)
        about = (event_context(partition, event, meta),) if found.wants_context else ()
        sends = sends_of(found.ask(fact, *about))
        if len(sends) > bounds.commands:
            raise Misuse(f"a route sends {len(sends)} commands; at most {bounds.commands} may be")
        return [
            wish(event, meta, send, Cause(router, event.aggregate, meta.causation, index, number))
            for number, send in enumerate(sends)
        ]

    return route


class _Wishing:
    """Makes what routes answer fit to be submitted; raises `Misuse` for what cannot be."""

    def __init__(self, domain: Domain, partitions: int, secret: bytes, bounds: Bounds) -> None:
        self._domain, self._partitions, self._secret = domain, partitions, secret
        self._bounds = bounds

    def wish(self, event: LoggedEvent, meta: EventMeta, send: Send, cause: Cause) -> Wish:
        """One command, with an id that names its cause."""
        name, bounds = type(checked(self._domain, send).command).__name__, self._bounds
        if meta.depth >= bounds.depth:
            raise Misuse(
                f"{name} for {send.aggregate} would be number {meta.depth + 1} of commands that "
                f"follow from one another, and {bounds.depth} may (causation_depth): does a "
                f"router answer itself for ever?"
            )
        fields = {
            "id": reaction_id(self._secret, cause, send.aggregate).encode(),
            "type": name.encode(),
            "aggregate": send.aggregate.encode(),
            "data": send.command.model_dump_json().encode(),
            "meta": _meta(event, meta),
        }
        size = sum(map(len, fields.values()))
        if size > bounds.command_bytes:
            raise Misuse(
                f"{name} for {send.aggregate} has {size} bytes; at most {bounds.command_bytes} "
                f"are taken (command_bytes)"
            )
        return Wish(event.position, partition_of(send.aggregate, self._partitions), fields)


def checked(domain: Domain | None, send: Send) -> Send:
    """What a route answered; raises `Misuse` where its target does not take it.

    Without a domain only the target's id is looked at.
    """
    fault = aggregate_fault(send.aggregate)
    if fault:
        raise Misuse(f"a route sends to {send.aggregate!r}, which {fault}")
    if domain is None:
        return send
    name = type(send.command).__name__
    handler = domain.commands.get(name)
    if handler is None or handler.command is not type(send.command):
        raise Misuse(f"a route sends a {name}, which no decider takes")
    if handler.decider.kind != kind_of(send.aggregate):
        raise Misuse(
            f"a route sends a {name} to {send.aggregate}: it is for {handler.decider.kind}-…"
        )
    return send


def _meta(event: LoggedEvent, meta: EventMeta) -> bytes:
    """What passes on from command to command; without a correlation the first one's id is it."""
    said: dict[str, Any] = {
        "user": meta.user,
        "correlation": meta.correlation or meta.causation,
        "traceparent": meta.traceparent,
        "causation": meta.causation,
        "depth": meta.depth + 1,
    }
    if b'"x_' in event.meta:
        every = msgspec.json.decode(event.meta)
        said |= {name: value for name, value in every.items() if name.startswith("x_")}
    return encode({name: value for name, value in said.items() if value is not None})
