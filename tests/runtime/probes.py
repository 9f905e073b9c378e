"""A kind of aggregate that does what a shop never should, for the sake of tests."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from time import monotonic
from typing import Annotated, Any, TypeAlias

import anyio
import anyio.lowlevel
from pydantic import AfterValidator

import handlers
import projections
from engine import Command, CommandContext, Decider, Event, Rejected, Retry
from engine.core import registry
from engine.core.registry import Domain
from tests.runtime.meddling import Death
from tests.shop import NO_FULFILMENT


class Note(Command):
    """Note a text."""

    text: str = "x"


class Raise(Command):
    """Raise something that is no rejection."""


class Refuse(Command):
    """Say no, with a code of the domain's own."""

    code: str = "no"


class Wait(Command):
    """Wait until the gate of this name is opened."""

    gate: str


class Perhaps(Command):
    """Wait until the gate of this name is opened, if there is a name."""

    gate: str = ""


class Ask(Command):
    """Ask a service, which may be down."""

    service: str = "s"


class Hog(Command):
    """Keep the event loop for a while."""


class HogLater(Command):
    """Keep the event loop for a while, behind something that was waited for."""


class Many(Command):
    """Note many texts at once."""

    count: int
    size: int = 1


class Kill(Command):
    """Kill the process that decides it."""


class Stray(Command):
    """Answer with an event of another kind."""


class Cancel(Command):
    """Cancel nothing, and say so."""


class CancelLater(Command):
    """Await something that was cancelled by somebody else."""


def _trip(value: str) -> str:
    raise KeyError(value)


class Trip(Command):
    """Meet a validator that has a fault of its own."""

    over: Annotated[str, AfterValidator(_trip)]


class Noted(Event):
    """A text was noted."""

    text: str


class Strayed(Event):
    """Nobody evolves by this."""


HOG_SECONDS = 0.05
"""Long enough to be seen, and no longer."""

NO_LIMITS: Mapping[type[Command], Retry] = {}

Texts: TypeAlias = tuple[str, ...]


class Gates:
    """Gates by name, and who stands before one, in the order in which they came."""

    def __init__(self) -> None:
        self._gates: dict[str, anyio.Event] = {}
        self.waiting: list[str] = []
        self.decided = 0
        self.down: set[str] = set()
        """Services that are down."""
        self.asked: list[str] = []
        """Who asked a service, in their order."""

    def __getitem__(self, name: str) -> anyio.Event:
        return self._gates.setdefault(name, anyio.Event())


def note(command: Note, _: Texts, gates: Gates) -> Noted:
    gates.decided += 1
    return Noted(command.text)


def fail(_command: Raise, _: Texts) -> None:
    raise RuntimeError("the service is down")


def refuse(command: Refuse, _: Texts) -> None:
    raise Rejected(command.code, "the domain says no")


async def wait(command: Wait, _: Any, gates: Gates, context: CommandContext) -> Noted:
    gates.waiting.append(context.id)
    await gates[command.gate].wait()
    return Noted(command.gate)


def perhaps(
    command: Perhaps, state: Texts, gates: Gates, context: CommandContext
) -> Noted | Coroutine[Any, Any, Noted]:
    if command.gate:
        return wait(Wait(gate=command.gate), state, gates, context)
    return Noted("at once")


def ask(command: Ask, _: Texts, gates: Gates, context: CommandContext) -> Noted:
    gates.asked.append(context.id)
    if command.service in gates.down:
        raise ConnectionError(f"{command.service} is down")
    return Noted(context.id)


def hog(_command: Hog, _: Texts) -> Noted:
    until = monotonic() + HOG_SECONDS
    while monotonic() < until:
        pass
    return Noted("done")


async def hog_later(_command: HogLater, texts: Texts) -> Noted:
    await anyio.lowlevel.checkpoint()
    return hog(Hog(), texts)


def many(command: Many, _: Texts) -> Iterator[Noted]:
    for _n in range(command.count):
        yield Noted("x" * command.size)


def kill(_command: Kill, _: Texts) -> None:
    raise Death


def stray(_command: Stray, _: Texts) -> Strayed:
    return Strayed()


def cancel(_command: Cancel, _: Texts) -> None:
    raise asyncio.CancelledError


async def cancel_later(_command: CancelLater, _: Texts) -> Noted:
    await anyio.lowlevel.checkpoint()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future
    return Noted("never")


def trip(_command: Trip, _: Texts) -> None:
    raise NotImplementedError


def evolve(texts: Texts, event: Noted) -> Texts:
    if event.text == "unreadable":
        raise ValueError("this event cannot be understood")
    if event.text == "fatal":
        raise Death
    return (*texts, event.text)


def domain_with(gates: Gates, retry: Mapping[type[Command], Retry] = NO_LIMITS) -> Domain:
    """The shop, and probes beside it."""
    nothing: Texts = ()
    probe = Decider(
        kind="probe",
        initial=nothing,
        decide=[
            note,
            fail,
            refuse,
            wait,
            perhaps,
            ask,
            hog,
            hog_later,
            many,
            kill,
            stray,
            cancel,
            cancel_later,
            trip,
        ],
        evolve=evolve,
        retry=retry,
    )
    return registry.build(
        deciders=[*handlers.deciders, probe],
        services=[gates, *NO_FULFILMENT],
        projections=projections.projections,
        queries=projections.queries,
    )
