"""From a timer that a decider set to the command that it becomes.

A timer is known by its aggregate and its name, and has a number: the entry of the command that
set it, which no other command of this partition ever has. It passes three steps:

    set     in ``timers``, by when it is due, and in ``timer``: its number, its command
    fired   in ``timer`` still; gone from ``timers`` in the step that added its command
    handled in neither: gone in the commit that answers its command

So whoever is about to decide a timer's command sees whether that timer still stands. One that
was replaced meanwhile has another number there, one that was cancelled none.
"""

from typing import NamedTuple

import msgspec

SOURCE = "timer"
"""What timers are called in the ids that they make."""

_ID_PARTS = 5
"""``timer/<aggregate>/<name>/<number>/<tag>``: none of these has a ``/`` inside."""


class Fired(NamedTuple):
    """Which timer a command comes from, as its id says."""

    aggregate: str
    name: str
    number: str

    @property
    def key(self) -> str:
        """What the timer is called in its partition."""
        return timer_key(self.aggregate, self.name)


class Timer(msgspec.Struct, frozen=True):
    """A timer as ``timer`` holds it, in JSON: its number, when it is due, and its command.

    The command's fields are what an entry of a command stream has, as text.
    """

    number: str
    at: int
    id: str
    type: str
    aggregate: str
    data: str
    meta: str


class TimerWrite(NamedTuple):
    """What a commit does to one timer: set it, cancel it, or take one off that was handled.

    A ``timer`` sets it. Else ``number`` says which one was handled, and goes if that is the
    one that stands; without a number it is cancelled, whichever stands.
    """

    key: str
    timer: Timer | None = None
    number: str = ""


def timer_key(aggregate: str, name: str) -> str:
    """What a timer is called in its partition."""
    return f"{aggregate}/{name}"


def name_of(key: str) -> str:
    """The name of a timer within its aggregate."""
    return key.rpartition("/")[2]


def fired_of(id: str) -> Fired | None:
    """The timer that made an id of the engine's own; None where another source did."""
    parts = id.split("/")
    if parts[0] != SOURCE or len(parts) != _ID_PARTS:
        return None
    return Fired(*parts[1:4])


class FiredSome(NamedTuple):
    """What one step made of the timers that were due, by Redis's clock in ms.

    ``late_ms`` is how late each of those was that fired. ``damaged`` are those that could not be
    read: they are due no more, and stay in ``timer`` to be looked at. ``next_ms`` is when the
    next of the ``left`` ones is due, None where there is none.
    """

    now_ms: int
    left: int
    late_ms: list[int]
    damaged: list[str]
    next_ms: int | None


class TimerSeen(msgspec.Struct, frozen=True):
    """A timer as somebody sees it who looks on; ``at`` is when it is due, in ms since 1970.

    One that has ``fired`` is a command by now that was not handled yet. Of one that cannot be
    read ``number`` and what follows are empty.
    """

    aggregate: str
    name: str
    at: int
    fired: bool
    number: str
    type: str
    data: str


class TimerCount(NamedTuple):
    """A partition's timers that have not fired, how many are due, and when the first one is."""

    left: int
    due: int
    first_ms: int | None


def seen_of(key: str, at: float | None, timer: Timer | None) -> TimerSeen:
    """A timer as it stands; ``at`` is when it fires, None where it has."""
    aggregate, _, name = key.rpartition("/")
    if timer is None:
        return TimerSeen(aggregate, name, int(at or 0), at is None, "", "", "")
    due = timer.at if at is None else int(at)
    return TimerSeen(aggregate, name, due, at is None, timer.number, timer.type, timer.data)
