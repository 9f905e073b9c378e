"""Ids of commands that the engine makes itself, and how it knows them again.

Such an id contains ``/``, names its cause and ends with a tag made of both with the
namespace's secret: ``inbox/1700000000000-3/5f2bb5a2c0d1e3f4``. Clients may not use ``/``,
but any client may write anything into a stream. Without the tag one could use an id of the
engine's up before its time, and the command that it belongs to would be lost as a repeat.

What a router asks for is named after the event that it follows from, by that event's command:
``fulfilment/order-42/<command>/<event index>/<n>/<tag>``. It says no position: after a lost tail
positions are used again, causes are not. Its tag is good for one aggregate alone, since whose
wish was refused is told of it.
"""

import hmac
from hashlib import blake2b
from typing import NamedTuple

_AGAIN = "dead"
"""The source of commands that were dead letters."""

OF_TIMERS = ("timer/", f"{_AGAIN}/timer/")
"""How ids of timers' commands begin, also of those that were dead letters."""

_TAG_BYTES = 8
"""64 bits, and every guess is a command that is rejected for all to see."""

_REACTION_PARTS = 6
"""Parts of the id of a command that a router asks for: its cause's, and the tag."""


class Cause(NamedTuple):
    """What a router's command follows from: of an aggregate's command, one event.

    ``command`` is that command's id; of one from inside only the tag, which stands for all of
    it: so ids do not grow from one command to the next. ``number`` counts what follows from
    one event.
    """

    router: str
    aggregate: str
    command: str
    event: int
    number: int


def inside_id(secret: bytes, source: str, cause: str) -> str:
    """The id of a command from an inside source; ``cause`` is what it follows from."""
    said = f"{source}/{cause}"
    return f"{said}/{_tag(secret, said)}"


def again_id(secret: bytes, id: str) -> str:
    """The id of a dead letter's command when it is submitted again: ``dead/<id>/<n>/<tag>``.

    The same letter has the same one, whoever asks; what fails again counts on.
    """
    of, times = id, 1
    if id.startswith(f"{_AGAIN}/") and is_inside_id(secret, id, ""):
        of, before = _before(id)
        times = int(before) + 1
    return inside_id(secret, _AGAIN, f"{of}/{times}")


def reaction_id(secret: bytes, cause: Cause, target: str) -> str:
    """The id of a command for an aggregate that a router asks for."""
    command = cause.command.rpartition("/")[2]
    said = f"{cause.router}/{cause.aggregate}/{command}/{cause.event}/{cause.number}"
    return f"{said}/{_tag(secret, f'{said}>{target}')}"


def cause_in(id: str) -> Cause | None:
    """What an id from inside says of its cause; None where no router asked for it.

    A dead letter's command that is submitted again has the cause that it had.
    """
    if id.startswith(f"{_AGAIN}/"):
        return cause_in(_before(id)[0])
    parts = id.split("/")
    if len(parts) != _REACTION_PARTS or not (parts[3].isdecimal() and parts[4].isdecimal()):
        return None
    return Cause(parts[0], parts[1], parts[2], int(parts[3]), int(parts[4]))


def is_inside_id(secret: bytes, id: str, target: str) -> bool:
    """Whether the engine made an id itself, for a command to this aggregate."""
    said, _, tag = id.rpartition("/")
    is_again = id.startswith(f"{_AGAIN}/")
    tagged = said if is_again or cause_in(id) is None else f"{said}>{target}"
    return bool(said) and hmac.compare_digest(tag.encode(), _tag(secret, tagged).encode())


def _before(id: str) -> tuple[str, str]:
    """Of the id of what is submitted again: the id that it had, and how often that happened."""
    said, _, _ = id.rpartition("/")
    of, _, times = said.removeprefix(f"{_AGAIN}/").rpartition("/")
    return of, times


def _tag(secret: bytes, said: str) -> str:
    return blake2b(said.encode(), key=secret, digest_size=_TAG_BYTES).hexdigest()
