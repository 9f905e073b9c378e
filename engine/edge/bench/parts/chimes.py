"""A domain of timers alone, which the part ``timers`` measures: each chime is due once."""

from datetime import UTC, datetime

from engine.core.decider import Decider
from engine.core.messages import Command, Event
from engine.core.timers import TimerChange, set_timer


class SetChime(Command):
    """Have a chime sound at a time, in milliseconds since 1970."""

    at_ms: int


class Chime(Command):
    """Sound: what the timer sends."""

    at_ms: int


class Chimed(Event):
    """A chime sounded that was due at this time."""

    at_ms: int


def set_chime(command: SetChime, _: None) -> TimerChange:
    """Set the timer."""
    at = datetime.fromtimestamp(command.at_ms / 1000, UTC)
    return set_timer(f"at-{command.at_ms}", Chime(at_ms=command.at_ms), at=at)


def chime(command: Chime, _: None) -> Chimed:
    """Note that it sounded."""
    return Chimed(command.at_ms)


def evolve(_state: None, _event: Chimed) -> None:
    """Chimes remember nothing."""


deciders = [Decider(kind="chime", initial=None, decide=[set_chime, chime], evolve=evolve)]
