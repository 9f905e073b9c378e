"""Commands, events and queries, and what is known about each beside its own fields."""

from datetime import datetime
from typing import Any, Generic, TypeVar, dataclass_transform

import msgspec
from pydantic import BaseModel, ConfigDict

View = TypeVar("View")


class Command(BaseModel):
    """A wish, named in the imperative: ``class CreateOrder(Command)``.

    The class name is the command's ``type`` at every door. Fields are validated wherever
    a command comes in; an unknown field is an error, so that a misspelt one is noticed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class EventType(msgspec.StructMeta):
    """Takes one keyword more than msgspec's own, which refuses what it does not know."""

    __event_version__: int

    def __new__(  # noqa: PYI034 -- mypy knows no Self in a metaclass
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        version: int = 1,
        **options: Any,
    ) -> "EventType":
        """An event's class, which remembers its ``version``."""
        made = super().__new__(mcls, name, bases, namespace, **options)
        made.__event_version__ = version
        return made


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, frozen=True, metaclass=EventType):
    """A fact, named in the past tense: ``class OrderCreated(Event)``.

    Stored as JSON under its class name, for ever: fields may be added with a default. After
    any other change it is ``class OrderCreated(Event, version=2)``, and an `Upcaster` reads
    what was stored before. The version is no field; it begins at 1.
    """


class Query(BaseModel, Generic[View]):
    """A question to the read side; its type argument is the view that answers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CommandContext(msgspec.Struct, frozen=True, gc=False):
    """What surrounds a command: handed to a decider that has a parameter of this type.

    ``id`` is the sender's, or else ``entry``, the command's stream id. ``time`` is what
    ``meta.time`` says, or else when the entry was added: the same at every attempt.
    """

    id: str
    entry: str
    type: str
    aggregate: str
    time: datetime
    user: str | None = None
    correlation: str | None = None


class EventContext(msgspec.Struct, frozen=True, gc=False):
    """What surrounds a recorded event: handed to projections.

    ``command`` and ``entry`` are the id and the stream id of the command that caused it.
    """

    aggregate: str
    version: int
    partition: int
    position: int
    time: datetime
    command: str
    entry: str
    user: str | None = None
    correlation: str | None = None
    traceparent: str | None = None


class KnownMeta(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The keys of a command's ``meta`` that have a meaning of ours.

    ``expect`` is the version that the aggregate must have; ``reply`` names the list
    ``semel:reply:<reply>`` that gets the outcome.
    """

    user: str | None = None
    time: datetime | None = None
    correlation: str | None = None
    traceparent: str | None = None
    expect: int | None = None
    durability: str | None = None
    reply: str | None = None


class CommandMeta(KnownMeta, frozen=True, gc=False):
    """A command's ``meta``; ``extra`` holds the client's own ``x_`` keys, which pass through.

    ``depth`` is how many commands from inside lead to this one; clients cannot say it.
    """

    extra: dict[str, Any] = {}
    depth: int = 0


NO_META = CommandMeta()


class EventMeta(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An event's ``meta`` as it is stored: its cause by ``id`` and stream id, and more.

    ``schema`` is the version of the event's type, where that is not the first one.
    """

    causation: str
    entry: str
    time: datetime
    user: str | None = None
    correlation: str | None = None
    traceparent: str | None = None
    schema: int = 1
    depth: int = 0
