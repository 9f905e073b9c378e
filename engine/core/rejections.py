"""What became of a command from inside that was refused: noted in the log, for who asked for it.

The note is written in the same step as the command's outcome, so whoever reads the log learns of
the one as surely as of an event. It has a position, and no version: nothing happened to the
aggregate. All readers of the log but routers pass over it.
"""

import msgspec

from engine.core.codec import encode, event_meta
from engine.core.intake import Received
from engine.core.outcome import Status
from engine.core.reacting import Rejection
from engine.core.records import LoggedEvent, NewEvent

REJECTED = "_rejected"
"""The type of such a note in the log. No event's name begins so."""

NO_VERSION = "0"
"""A note's version in the log: no event has it."""


class _Note(msgspec.Struct, frozen=True):
    """A note as JSON: what a `Rejection` says, and whose router asked."""

    router: str
    command: str
    status: str
    code: str
    message: str
    cause: str


_read = msgspec.json.Decoder(_Note).decode


def is_noted(received: Received, status: Status) -> bool:
    """Whether a note goes with an answer: with that to a router's command that was refused."""
    return received.cause is not None and status in (Status.REJECTED, Status.FAILED)


def note_of(received: Received, status: Status, detail: bytes) -> NewEvent | None:
    """The note that goes with an answer; None for all but a router's command that was refused."""
    cause = received.cause
    if cause is None or not is_noted(received, status):
        return None
    said = msgspec.json.decode(detail)
    note = _Note(
        cause.router, received.type, status, said["code"], said["message"], cause.aggregate
    )
    meta = event_meta(received.id, received.entry, received.time, received.meta)
    return NewEvent(REJECTED, encode(note), meta)


def rejection_for(router: str, event: LoggedEvent) -> Rejection | None:
    """What a note tells a router; None where another one asked."""
    note = _read(event.data)
    if note.router != router:
        return None
    return Rejection(
        note.command, event.aggregate, Status(note.status), note.code, note.message, note.cause
    )
