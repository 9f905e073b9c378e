"""Upcasting: what was stored of an event long ago becomes what its class is now.

An event is stored under its class name, and with its version where that is not the first
(``schema`` in its ``meta``). What an older version stored goes through one `Upcaster` for each
step on the way to the class that is here, and is then read like any other.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from engine.core.codec import VERSIONED, encode, version_in
from engine.core.errors import Misregistered, Unreadable
from engine.core.messages import Event
from engine.core.signatures import place_of

AnyEvent = TypeVar("AnyEvent", bound=Event)

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Upcaster:
    """Lifts what a version of an event type has stored to what the next version would have.

    ``lift`` is given an event's ``data`` as plain JSON has it (decimals and times are texts) and
    returns it as the next version has it; it may change what it is given, and does nothing else.
    A ``handlers`` package lists its ``upcasters``.
    """

    event: type[Event]
    version: int
    lift: Callable[[dict[str, Any]], dict[str, Any]]

    def __str__(self) -> str:
        """How errors name it."""
        return f"the upcaster of {self.event.__name__} from version {self.version}"


def require_version(event: type[Event]) -> None:
    """Raise `Misregistered` for an event whose version is no number to count from."""
    version: object = event.__event_version__
    if type(version) is not int or version < 1:
        raise Misregistered(
            f"{place_of(event)}: the version of {event.__name__} is a number from 1 on, "
            f"not {version!r}"
        )


Steps = Mapping[int, Upcaster]
"""The upcasters of one event type, by the version that each begins at."""


def chain(steps: Mapping[str, Steps], events: Iterable[str]) -> list[Upcaster]:
    """The upcasters of some events, by these and by their versions."""
    found = [steps.get(event, {}) for event in events]
    return [each[version] for each in found for version in sorted(each)]


def steps_of(
    upcasters: Iterable[Upcaster], events: Mapping[str, type[Event]]
) -> dict[str, dict[int, Upcaster]]:
    """Upcasters of each event type that is beyond its first version, even where there are none.

    Raises `Misregistered` where they contradict each other.
    """
    steps: dict[str, dict[int, Upcaster]] = {
        name: {} for name, event in events.items() if event.__event_version__ != 1
    }
    for upcaster in upcasters:
        event, place = upcaster.event, place_of(upcaster.lift)
        if events.get(event.__name__) is not event:
            raise Misregistered(
                f"{upcaster} ({place}) is for an event of {place_of(event)} that no decider and no "
                f"projection takes"
            )
        if not 1 <= upcaster.version < event.__event_version__:
            raise Misregistered(
                f"{upcaster} ({place}) leads to no version of it: {place_of(event)} is at version "
                f"{event.__event_version__}. Declare it as {event.__name__}(Event, "
                f"version={upcaster.version + 1}), or remove the upcaster"
            )
        if inspect.iscoroutinefunction(upcaster.lift):
            raise Misregistered(f"{upcaster} ({place}) is async: there is nothing to wait for")
        other = steps[event.__name__].setdefault(upcaster.version, upcaster)
        if other is not upcaster:
            raise Misregistered(
                f"two upcasters lift {event.__name__} from version {upcaster.version}: "
                f"{place_of(other.lift)} and {place}"
            )
    return steps


def require_steps(event: type[Event], steps: Steps) -> None:
    """Raise `Misregistered` for a version from which no upcaster leads on."""
    for version in range(1, event.__event_version__):
        if version not in steps:
            raise Misregistered(
                f"{place_of(event)} is at version {event.__event_version__}, and no upcaster leads "
                f"from version {version} to {version + 1}: add Upcaster({event.__name__}, "
                f"{version}, …) to the `upcasters` of the handlers package"
            )


def recorded(
    event: type[AnyEvent], version: int, data: Mapping[str, Any], upcasters: Iterable[Upcaster]
) -> AnyEvent:
    """What is read here of an event that some version of its type stored as ``data``."""
    steps = steps_of((u for u in upcasters if u.event is event), {event.__name__: event})
    meta = b"{}" if version == 1 else b"%b%d}" % (VERSIONED, version)
    raw = lifted(event, steps.get(event.__name__, {}), encode(data), meta)
    return msgspec.json.decode(raw, type=event)


def lifted(event: type[Event], steps: Steps, data: bytes, meta: bytes) -> bytes:
    """An event's ``data`` as its class has it now; raises `Unreadable`."""
    version, newest = version_in(meta), event.__event_version__
    if version == newest:
        return data
    if version > newest:
        raise Unreadable(
            f"{event.__name__} was stored in version {version} by newer code; {place_of(event)} is "
            f"at version {newest}"
        )
    said = _decode(data)
    for step in range(version, newest):
        said = _lift(event, steps, step, said)
    return encode(said)


def _lift(event: type[Event], steps: Steps, version: int, said: dict[str, Any]) -> dict[str, Any]:
    upcaster = steps.get(version)
    if upcaster is None:
        raise Unreadable(f"no upcaster of {event.__name__} leads on from version {version}")
    try:
        found = upcaster.lift(said)
    except Exception as error:
        raise Unreadable(
            f"{upcaster} ({place_of(upcaster.lift)}) raised {type(error).__name__}: {error}"
        ) from error
    if not isinstance(found, dict):
        raise Unreadable(f"{upcaster} ({place_of(upcaster.lift)}) returned {found!r:.200}, no dict")
    return found
