"""Parked aggregates: events that a projection could not handle, and those behind them.

An event that raises again and again must not stop its whole partition, and must not be
skipped either: its aggregate is parked. A note says from which position on its events have
not been applied; they stay in the log, in order, and everything else flows. The note is
written in one step with the checkpoint that passes the event over.

A replay brings the events back once the code is mended. It is right only where no row that
they touch has gone on without them: a watermark says what *all* events up to it did, so an
event below it comes too late (`Attempt.settled`). That is so for rows that belong to one
aggregate; where others feed the row too, and have done so since, it takes a rebuild.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from engine.core.errors import SemelError, Torn
from engine.core.records import LoggedEvent, RowChange

TRACEBACK_CHARACTERS = 4000
"""The end of a traceback is kept: there the error is. A note is read as a whole, often."""

MESSAGE_CHARACTERS = 500
"""Of an error's message; some quote all they were given."""

RETRY, DROP = "retry", "drop"
"""What may be asked about a parked aggregate. No aggregate has a space in its name."""


class Fault(msgspec.Struct, frozen=True):
    """Why an event could not be applied."""

    type: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.type}: {self.message}"


class Note(msgspec.Struct, frozen=True):
    """What is kept of a parked aggregate: none of its events from ``position`` on has been applied.

    ``event`` is the type of the one that could not be, ``since_ms`` when that was. ``answered``
    is the last request to replay that came to nothing; ``error`` then says why.
    """

    position: int
    event: str
    error: Fault
    attempts: int
    since_ms: int
    answered: str = ""


class Ask(NamedTuple):
    """What somebody wants done about a parked aggregate; the id tells the answer from others."""

    verb: str
    aggregate: str
    id: str

    @property
    def field(self) -> str:
        """Where it stands, beside the notes."""
        return f"{self.verb} {self.aggregate}"


def fault_of(error: Exception) -> Fault:
    """An error as it is kept; semel's own say all in their message."""
    lines = [] if isinstance(error, SemelError) else traceback.format_exception(error)
    message, trace = str(error)[:MESSAGE_CHARACTERS], "".join(lines)[-TRACEBACK_CHARACTERS:]
    return Fault(type(error).__name__, _storable(message), _storable(trace))


def _storable(text: str) -> str:
    """Text that UTF-8 can hold: an error may quote what is none."""
    return text.encode(errors="backslashreplace").decode()


def written(note: Note) -> str:
    """A note as it is kept."""
    return msgspec.json.encode(note).decode()


def read_note(text: str | bytes) -> Note:
    """A note as it was kept; raises `Torn` where it is none."""
    try:
        return msgspec.json.decode(text, type=Note)
    except msgspec.DecodeError as error:
        raise Torn(f"a note on a parked aggregate cannot be read: {error}") from error


def waiting_from(event: LoggedEvent, length: int) -> int:
    """How many events of an aggregate wait from this one on, where its stream is so long.

    Only a router is parked by a note on a refusal, which has no version: nobody knows the rest.
    """
    return length - event.version + 1 if event.version else 1


def notes_in(fields: Mapping[str, str]) -> dict[str, Note]:
    """Parked aggregates by their names, in the order of their positions."""
    found = {name: read_note(text) for name, text in fields.items() if " " not in name}
    return dict(sorted(found.items(), key=lambda each: each[1].position))


def asks_in(fields: Mapping[str, str]) -> list[Ask]:
    """What is asked, beside the notes."""
    return [Ask(*_verb_and_name(field), id) for field, id in fields.items() if " " in field]


def _verb_and_name(field: str) -> tuple[str, str]:
    verb, _, aggregate = field.partition(" ")
    return verb, aggregate


def without(aggregate: str) -> dict[str, str]:
    """What is written to forget a parked aggregate, with all that was asked about it."""
    asks = (Ask(verb, aggregate, "").field for verb in (RETRY, DROP))
    return dict.fromkeys((aggregate, *asks), "")


Made = TypeVar("Made")


class Attempt(NamedTuple, Generic[Made]):
    """What some events of one aggregate come to, up to the first that cannot be handled."""

    done: Sequence[tuple[LoggedEvent, Made]]
    stopped_by: LoggedEvent | None = None
    fault: Fault | None = None

    @property
    def changes(self: "Attempt[list[RowChange]]") -> list[RowChange]:
        """All that is to be written."""
        return [change for _, changes in self.done for change in changes]

    @property
    def rows(self: "Attempt[list[RowChange]]") -> list[str]:
        """The rows that are touched."""
        return list(dict.fromkeys(change.row for change in self.changes))

    def settled(
        self: "Attempt[list[RowChange]]", projection: str, watermarks: Mapping[str, int]
    ) -> "Attempt[list[RowChange]]":
        """The same, cut off before the first event that comes too late for one of its rows.

        ``watermarks`` says how far each row has come in this partition.
        """
        for at, (event, changes) in enumerate(self.done):
            for change in changes:
                if watermarks[change.row] >= event.position:
                    fault = _too_late(projection, change, watermarks[change.row])
                    return Attempt(self.done[:at], event, fault)
        return self


def attempt(
    handle: Callable[[int, LoggedEvent], Made], partition: int, events: Sequence[LoggedEvent]
) -> Attempt[Made]:
    """Have one aggregate's events handled, in order, up to the first that raises."""
    done: list[tuple[LoggedEvent, Made]] = []
    for event in events:
        try:
            done.append((event, handle(partition, event)))
        except Exception as error:  # noqa: BLE001 -- the boundary to the domain's code: reported
            return Attempt(done, event, fault_of(error))
    return Attempt(done)


def _too_late(projection: str, change: RowChange, watermark: int) -> Fault:
    return Fault(
        "RebuildNeeded",
        f"the row {change.row} is not this aggregate's alone: it has taken position {watermark} of "
        f"other events, and position {change.position} cannot be put before that. Only a rebuild "
        f"mends it: semel projection rebuild {projection}",
    )
