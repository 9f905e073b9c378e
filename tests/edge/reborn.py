"""Read models of the shop's customers whose rows go and come back, as their names say."""

from collections.abc import Iterator

from engine import EventContext, Operation, Projection, Row, delete, put
from handlers.customers import CustomerEvent
from projections.customers import customers

__all__ = ["projections"]

GONE = "gone"
"""Who takes this name has no row, until they take another."""


class Person(Row):
    """Whoever is there."""

    id: str
    name: str
    first: str | None = None


def on_named(event: CustomerEvent, context: EventContext) -> Iterator[Operation]:
    """They come, change or go; the first name stays until they go."""
    if event.name == GONE:
        yield delete(context.aggregate)
    elif event.name.startswith("first "):
        yield put(context.aggregate, name=event.name, first=event.name)
    else:
        yield put(context.aggregate, name=event.name)


people = Projection(name="people", row=Person, on=[on_named])
projections = [people, customers]
