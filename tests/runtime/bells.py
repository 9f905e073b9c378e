"""A kind of aggregate that lives by timers, for the sake of tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from engine import Command, Decider, Event, TimerChange, cancel_timer, set_timer
from engine.core import registry
from engine.core.decider import Decision
from engine.core.registry import Domain
from handlers.orders import ShipOrder


class Remind(Command):
    """What a timer sends."""

    text: str = "x"


class SetOff(Command):
    """Set a timer, after some seconds or at some second since 1970."""

    name: str = "bell"
    text: str = "x"
    after: float | None = None
    at: float | None = None


class CallOff(Command):
    """Cancel a timer."""

    name: str = "bell"


class Tick(Command):
    """Be reminded every minute: a timer whose command sets it again."""


class Spin(Command):
    """Be told again after some seconds, for ever."""

    after: float


class SetStrange(Command):
    """Set a timer whose command nobody here takes."""


class Set(Event):
    """A timer was set."""


class Reminded(Event):
    """A timer has fired."""

    text: str


class Ticked(Event):
    """A minute has passed."""


Texts: TypeAlias = tuple[str, ...]


TROUBLE: list[Exception] = []
"""What is raised by whoever decides next."""


def set_off(command: SetOff, _: Texts) -> Iterator[Event | TimerChange]:
    _stumble()
    yield Set()
    remind = Remind(text=command.text)
    if command.at is None:
        yield set_timer(command.name, remind, after=timedelta(seconds=command.after or 0))
    else:
        yield set_timer(command.name, remind, at=datetime.fromtimestamp(command.at, UTC))


def call_off(command: CallOff, _: Texts) -> Decision:
    return cancel_timer(command.name)


def _stumble() -> None:
    if TROUBLE:
        raise TROUBLE.pop()


def remind(command: Remind, _: Texts) -> Reminded:
    _stumble()
    return Reminded(command.text)


def tick(_command: Tick, _: Texts) -> Iterator[Event | TimerChange]:
    yield Ticked()
    yield set_timer("tick", Tick(), after=timedelta(minutes=1))


def spin(command: Spin, _: Texts) -> Iterator[Event | TimerChange]:
    yield Ticked()
    yield set_timer("spin", command, after=timedelta(seconds=command.after))


def set_strange(_command: SetStrange, _: Texts) -> Decision:
    return set_timer("strange", ShipOrder(), after=timedelta(0))


def evolve(texts: Texts, event: Set | Reminded | Ticked) -> Texts:
    return (*texts, event.text) if isinstance(event, Reminded) else texts


_NOTHING: Texts = ()

bell = Decider(
    kind="bell",
    initial=_NOTHING,
    decide=[set_off, call_off, remind, tick, spin, set_strange],
    evolve=evolve,
)

deciders = [bell]
"""For processes whose setting `handlers` names this module."""


def clockwork() -> Domain:
    """The domain of these alone."""
    return registry.build(deciders=deciders)
