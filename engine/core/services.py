"""What deciders are handed beside a command and a state, by the types of their parameters.

The ``handlers`` package lists ``services``: objects as they are, or factories, which a process
opens when it starts and closes when it ends. A `Clock` and `Ids` are made for each command,
and `Queries` are always there.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast, get_args, get_origin
from uuid import UUID, uuid5

from engine.core.errors import Misregistered
from engine.core.messages import CommandContext, Query
from engine.core.signatures import hints_of, place_of

View = TypeVar("View")

_IDS = UUID("5e3e1000-0000-5000-8000-000000000000")
"""The name space of ids that deciders make (RFC 9562, section 5.5): any constant will do."""


class Clock:
    """The time of the command that is decided: deciding again, later, decides the same."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """When the command was given: `CommandContext.time`."""
        return self._now


class Ids:
    """New ids for what a command brings about, made of ``seed`` and a count.

    A command may be decided more than once, by one process after another, before one of these
    decisions is committed. With random ids, what a decider has told a service of (a
    reservation, say) would be somebody else's at each attempt. These are the same every time,
    and no other command's: the seed is the aggregate, the command's id and its stream id.
    """

    def __init__(self, seed: str) -> None:
        self._seed, self._count = seed, 0

    def new(self) -> str:
        """The next one, a UUIDv5 as text; it is not for secrets, for it can be worked out."""
        self._count += 1
        return str(uuid5(_IDS, f"{self._count} {self._seed}"))


class Queries(ABC):
    """The read side, for whoever decides: eventually consistent, a courtesy and never the truth.

    What is answered may lag behind what was decided already, of the same aggregate too.
    """

    @abstractmethod
    async def ask(self, query: Query[View]) -> View:
        """What the query's handler answers, or raises, such as `NotFound`."""

    @abstractmethod
    async def ask_named(self, name: str, /, **fields: Any) -> Any:
        """`ask`, by a query's name and fields, where its class cannot be imported.

        Projections import events from the ``handlers`` package, which so cannot import them.
        """


@dataclass(frozen=True)
class ServiceContext:
    """What a factory is given: its name, its settings, ``[services.NAME]``, and `Queries`.

    Queries are answered once the process serves, not yet while services are opened.
    """

    name: str
    settings: Mapping[str, Any]
    queries: Queries


@dataclass(frozen=True, eq=False)
class Offered:
    """One of the ``services``: an object of a type, or what opens one."""

    name: str
    makes: type
    service: object = None
    open: Callable[[ServiceContext], AbstractAsyncContextManager[object]] | None = None

    def fits(self, wanted: type) -> bool:
        """Whether a parameter of this type may be given it."""
        if self.makes is wanted:
            return True
        try:
            is_made = self.open is not None
            return issubclass(self.makes, wanted) if is_made else isinstance(self.service, wanted)
        except TypeError:  # a Protocol that is not for looking at run time
            return False


QUERIES = Offered("queries", Queries)
"""What is given where a decider asks for `Queries` and nobody offers any."""

PER_COMMAND: Mapping[type, Callable[[CommandContext], object]] = {
    CommandContext: lambda context: context,
    Clock: lambda context: Clock(context.time),
    Ids: lambda context: Ids(f"{context.aggregate} {context.id} {context.entry}"),
}
"""What is made for each command, where nobody offers another one."""


def offered(services: Sequence[object]) -> tuple[Offered, ...]:
    """The listed services, or those of another domain; raises `Misregistered` for what is none."""
    all_of_them = tuple(map(_offered, services))
    names = [each.name for each in all_of_them if each.open is not None]
    for name in names:
        if names.count(name) > 1:
            raise Misregistered(f"two factories in `services` are called {name}: it names settings")
    return all_of_them


def _offered(service: object) -> Offered:
    if isinstance(service, Offered):
        return service
    if isinstance(service, type):
        if not hasattr(service, "__aenter__"):
            raise Misregistered(
                f"{place_of(service)}: {service.__name__} is no async context manager: list an "
                f"object of it in `services`, or give it __aenter__ and __aexit__"
            )
        return Offered(service.__name__, service, open=cast("Any", service))
    if not inspect.isfunction(service):
        return Offered(type(service).__name__, type(service), service)
    made = hints_of(service).get("return")
    kinds = (AsyncIterator, AsyncGenerator, AbstractAsyncContextManager)
    makes = get_args(made)[0] if get_origin(made) in kinds else None
    if not isinstance(makes, type) or len(inspect.signature(service).parameters) != 1:
        raise Misregistered(
            f"{place_of(service)}: the factory {service.__name__} must be an async generator "
            f"(context: ServiceContext) -> AsyncIterator[Service] that yields one service"
        )
    is_plain = inspect.isasyncgenfunction(service)
    opens = asynccontextmanager(service) if is_plain else service
    return Offered(service.__name__, makes, open=cast("Any", opens))
