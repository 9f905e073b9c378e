"""From an event of the log to what a projection makes of it: its changes to rows."""

from collections.abc import Callable
from typing import Any

from engine.core.changes import changes_of
from engine.core.codec import event_context, read_event_meta
from engine.core.projection import Projection
from engine.core.records import LoggedEvent, RowChange
from engine.core.registry import Domain

Projecting = Callable[[int, LoggedEvent], list[RowChange]]
"""Given a partition and one of its events; raises whatever the projection's code raises."""


def projecting(domain: Domain, projection: Projection[Any]) -> Projecting:
    """The changes that a projection makes of events; of those it does not take, none."""
    handlers = domain.event_handlers[projection.name]

    def project(partition: int, event: LoggedEvent) -> list[RowChange]:
        handler = handlers.get(event.type)
        if handler is None:
            return []
        fact = domain.decode_event(event.type, event.data, event.meta)
        if not handler.wants_context:
            return changes_of(projection, event.position, handler.apply(fact))
        context = event_context(partition, event, read_event_meta(event.meta))
        return changes_of(projection, event.position, handler.apply(fact, context))

    return project
