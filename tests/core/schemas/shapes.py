"""Events and commands made on the spot, for schemas that differ in one thing."""

from types import new_class
from typing import Any

from engine import Command, Event
from engine.core.schemas.describing import Schema, described_command, described_event


def event(name: str = "Plain", doc: str = "", version: int = 1, **fields: Any) -> type[Event]:
    """An event type; a field is a type, or a type and its default."""
    made: type[Event] = _made(name, Event, fields, {"version": version}, __doc__=doc)
    return made


def command(name: str = "Do", **fields: Any) -> type[Command]:
    """A command type, likewise."""
    made: type[Command] = _made(name, Command, fields, {}, __module__=__name__)
    return made


def stores(**fields: Any) -> Schema:
    """The schema of an event with these fields."""
    return described_event(event(**fields)).schema


def takes(**fields: Any) -> Schema:
    """The schema of a command with these fields."""
    return described_command(command(**fields)).schema


def _made(
    name: str, base: type, fields: dict[str, Any], options: dict[str, Any], **namespace: Any
) -> Any:
    said = {field: it if isinstance(it, tuple) else (it,) for field, it in fields.items()}
    namespace["__annotations__"] = {field: kind for field, (kind, *_) in said.items()}
    namespace |= {field: default for field, (_, *rest) in said.items() for default in rest}
    return new_class(name, (base,), options, lambda body: body.update(namespace))
