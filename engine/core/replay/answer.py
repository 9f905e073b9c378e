"""Answers to a command: the recorded one and that of the code here, side by side."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from engine.core.codec import time_of
from engine.core.firing import Timer
from engine.core.messages import Event
from engine.core.outcome import Status

encode = msgspec.json.Encoder(order="deterministic").encode
"""The same for the same, sets included."""

NO_TIMERS: Mapping[str, Timer] = MappingProxyType({})
"""Where no timer is set, or none is known of."""

_SHOWN_LIMIT = 100
"""Characters of a value that a difference quotes."""


class Answer(NamedTuple):
    """What became of a command, or would: a code where it says no, events where it says yes.

    ``timers`` are those that it set; of a recorded answer, those of them that still stand.
    """

    status: Status
    code: str = ""
    message: str = ""
    events: tuple[Event, ...] = ()
    timers: Mapping[str, Timer] = NO_TIMERS

    @property
    def names(self) -> tuple[str, ...]:
        """The types of its events."""
        return tuple(type(event).__name__ for event in self.events)

    def __str__(self) -> str:
        """In a few words, the same for answers of a kind."""
        said = self.code or ", ".join(self.names) or "no events"
        return f"{self.status} ({said})"


class Unlike(NamedTuple):
    """How two answers differ: as many others may, and in this case."""

    about: str
    message: str


def unlike(before: Answer, now: Answer) -> Unlike | None:
    """How two answers differ, if they do; the words of a message are for people, and may."""
    if (before.status, before.code, before.names) != (now.status, now.code, now.names):
        about = f"was {before}, would be {now}"
        return Unlike(about, f"was {_in_full(before)}; would be {_in_full(now)}")
    differing = [
        (f"{name}.{path}", f"{name}.{path} was {_short(then)}, would be {_short(here)}")
        for name, old, new in zip(now.names, before.events, now.events, strict=True)
        for path, then, here in _places(_plain(old), _plain(new), "")
    ]
    differing += _timers(before.timers, now.timers)
    if not differing:
        return None
    paths = dict.fromkeys(path for path, _ in differing)
    return Unlike(f"{', '.join(paths)} would be another", "; ".join(said for _, said in differing))


def _timers(before: Mapping[str, Timer], now: Mapping[str, Timer]) -> Iterator[tuple[str, str]]:
    """Where timers that still stand would be others; of those that are gone nothing is known."""
    for name, timer in before.items():
        if name not in now:
            yield f"timer {name}", f"timer {name} was set, would not be"
            continue
        for path, then, here in _places(_said(timer), _said(now[name]), f"timer {name}"):
            yield path, f"{path} was {_short(then)}, would be {_short(here)}"


def _said(timer: Timer) -> dict[str, Any]:
    data = msgspec.json.decode(timer.data)
    return {"due": time_of(timer.at), "type": timer.type, "data": data}


def _plain(event: Event) -> Any:
    return msgspec.json.decode(encode(event))


def _in_full(answer: Answer) -> str:
    return f"{answer}: {answer.message}" if answer.message else str(answer)


def _places(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """The places where two plain values differ, and what stands there."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from _places(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif old != new:
        yield path, old, new


def _short(value: Any) -> str:
    return encode(value).decode()[:_SHOWN_LIMIT]
