"""Timers as deciders set them: a command that an aggregate sends itself at a later time.

::

    def place(command: PlaceOrder, order: Order) -> Iterator[Event | TimerChange]:
        yield OrderPlaced(…)
        yield set_timer("payment", ExpireOrder(), after=timedelta(days=14))

    def pay(command: PayOrder, order: Order) -> Iterator[Event | TimerChange]:
        yield OrderPaid(…)
        yield cancel_timer("payment")

They are answered beside events, and hold with them: set, replaced and cancelled in the commit
that writes the events. What the engine makes of them is in `engine.core.firing`.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from engine.core.errors import Misuse
from engine.core.messages import Command
from engine.core.routing import id_fault


class SetTimer(msgspec.Struct, frozen=True):
    """A timer to be set; it says ``at`` or ``after``, never both."""

    name: str
    command: Command
    at: datetime | None
    after: timedelta | None


class CancelTimer(msgspec.Struct, frozen=True):
    """A timer to be cancelled."""

    name: str


TimerChange: TypeAlias = SetTimer | CancelTimer
"""What `set_timer` and `cancel_timer` make: a decider that yields returns these beside events."""


def set_timer(
    name: str, command: Command, *, at: datetime | None = None, after: timedelta | None = None
) -> SetTimer:
    """Have this aggregate be given ``command`` at a time, or some time after this command.

    ``name`` is unique within the aggregate: setting it again replaces the timer, also one that
    has fired and was not handled yet. ``after`` counts from when this command came, by Redis's
    clock, and is the same at every attempt. A time that has passed fires at once; one that is
    further away than ``timer_limit_days`` rejects this command (``timer_too_far``). Raises
    `Misuse` where the words are wrong.
    """
    _require_name(name)
    if not isinstance(command, Command):
        raise Misuse(f"the timer {name!r} sends a {type(command).__name__}, which is no Command")
    if (at is None) == (after is None):
        raise Misuse(f"the timer {name!r} needs either at= or after=")
    if at is not None and at.tzinfo is None:
        raise Misuse(f"the timer {name!r} is due at {at}, which does not say in which time zone")
    return SetTimer(name, command, at, after)


def cancel_timer(name: str) -> CancelTimer:
    """Have a timer of this aggregate not fire any more; one that is not set is no error.

    Where it has fired already and its command was not handled yet, that command is rejected as
    ``stale_timer``.
    """
    _require_name(name)
    return CancelTimer(name)


def _require_name(name: str) -> None:
    """Raise `Misuse` where a name cannot stand in a key, and in the id of a command."""
    fault = id_fault(name)
    if fault is not None:
        raise Misuse(f"{name!r} cannot be the name of a timer: it {fault}")
