"""A small domain to register: doors that open and close."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.core.decider import Decider
from engine.core.errors import Misregistered
from engine.core.messages import Command, Event, EventContext, Query
from engine.core.projection import Operation, Projection, Row
from engine.core.registry import build
from engine.core.views import Views


class Open(Command):
    """Open it."""


class Close(Command):
    """Close it."""


class Opened(Event):
    """It was opened."""

    by: str = ""


class Closed(Event):
    """It was closed."""


class Door(Row):
    """A door."""

    id: str
    by: str = ""


class GetDoor(Query[Door]):
    """One door."""

    id: str


class Clock:
    """A service."""


class Bell:
    """Another."""


def open_(_command: Open, _state: str) -> Opened:
    return Opened()


def close(_command: Close, _state: str) -> Closed:
    return Closed()


def evolve(_state: str, event: Opened | Closed) -> str:
    return "open" if isinstance(event, Opened) else "closed"


def on_opened(event: Opened, context: EventContext) -> Iterator[Operation]:
    raise NotImplementedError


def on_closed(_event: Closed) -> Iterator[Operation]:
    raise NotImplementedError


async def get_door(query: GetDoor, views: Views) -> Door:
    raise NotImplementedError


def decider(*decide: Callable[..., Any], kind: str = "door", **changed: Any) -> Decider[str]:
    """A decider of doors."""
    given: dict[str, Any] = {"kind": kind, "initial": "closed", "decide": decide, "evolve": evolve}
    return Decider(**given | changed)


def projection(*on: Callable[..., Any], name: str = "doors", **changed: Any) -> Projection[Door]:
    """A projection of doors."""
    given: dict[str, Any] = {"name": name, "row": Door, "on": on}
    return Projection(**given | changed)


def refusal(*args: Any, **kwargs: Any) -> str:
    """What `build` says against it."""
    with pytest.raises(Misregistered) as caught:
        build(*args, **kwargs)
    return str(caught.value)
