"""What passes between the floors: entries read, commits written, changes to rows.

Stream ids are text, ``<ms>-<seq>``. Bytes stay bytes until the core has judged them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.core.firing import TimerWrite
from engine.core.outcome import Status


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a stream as it was read: its id, and its fields as bytes."""

    id: str
    fields: Mapping[bytes, bytes]

    @property
    def size(self) -> int:
        """Bytes of its values."""
        return sum(map(len, self.fields.values()))


class Head(msgspec.Struct):
    """How far a partition has committed; ``commit`` counts commits, from 0.

    ``crashes`` is how many owners died before this one, and ``waiting`` the last command that
    was in the stream when it came. ``late`` is where the stream of late outcomes ends.
    """

    commit: int = 0
    command: str = "0-0"
    position: int = 0
    forgotten: str = "0-0"
    branch: str = ""
    crashes: int = 0
    waiting: str = "0-0"
    late: str = "0-0"


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as an aggregate's stream holds it."""

    version: int
    type: str
    data: bytes
    meta: bytes


class Recalled(NamedTuple):
    """A snapshot as it stands, and the events from its version on, that one included.

    Without one (None), or where it is of another schema, all events. ``length`` is how many
    events the aggregate has.
    """

    snapshot: bytes | None
    length: int
    events: list[StoredEvent]


class Keeping(NamedTuple):
    """A snapshot to be written: the state of an aggregate at a version, as text."""

    aggregate: str
    version: int
    text: bytes


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as its partition's log holds it."""

    position: int
    aggregate: str
    version: int
    type: str
    data: bytes
    meta: bytes


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event about to be committed; its version and position follow from its place."""

    type: str
    data: bytes
    meta: bytes


class Record(msgspec.Struct, frozen=True, gc=False):
    """One command of a commit: its outcome, and the events that follow from it.

    ``id`` and ``aggregate`` are as the sender wrote them, even where they are not usable.
    ``version`` is the aggregate's after the command. ``note`` goes into the log alone, as an
    event without a version; who has one has no events.
    """

    entry: str
    id: bytes
    status: Status
    aggregate: bytes
    version: int
    digest: str
    detail: bytes
    events: Sequence[NewEvent]
    note: NewEvent | None = None


class Letter(NamedTuple):
    """A command that could not be handled, as it was, and why: a dead letter."""

    entry: Entry
    code: str
    message: str
    attempts: int
    traceback: str = ""


class Waits(NamedTuple):
    """What a commit does about commands that wait (`engine.core.waiting`).

    ``kept`` is what is kept of those that wait from now on, or were tried once more, by stream
    id. ``late`` are final outcomes of others, by their own ids, built on the last one
    ``behind``; the ``entry`` of such a record is the command's.
    """

    kept: Mapping[str, bytes]
    late: Mapping[str, Record]
    behind: str


class Commit(msgspec.Struct, frozen=True, gc=False):
    """One atomic step: it holds only if ``number`` and ``position`` are what head says.

    ``versions`` maps each aggregate that gets events to the version it must have before.
    Without ``records`` it is about commands that wait alone, and ``command`` is the head's.
    ``timers`` are written in their order.
    """

    number: int
    command: str
    position: int
    branch: str
    versions: Mapping[str, int]
    records: Sequence[Record]
    letters: Sequence[Letter] = ()
    waits: Waits | None = None
    timers: Sequence[TimerWrite] = ()


class Checkpoint(msgspec.Struct):
    """How far one generation has applied one partition's log, and the event it stands on.

    ``crashes`` is how many workers died of it, since the last one that got on.
    """

    position: int = 0
    command: str = ""
    branch: str = ""
    crashes: int = 0


class Mended(NamedTuple):
    """What was done to a stream with ids from the future.

    ``dead`` are the ids of the entries that went to the dead letters, ``again`` how many
    entries behind them were added again, ``last`` is the last id since: none is above it.
    """

    dead: Sequence[str]
    again: int
    last: str


class LeaseState(NamedTuple):
    """Who holds a lease, by Redis's clock; ``node`` is empty when nobody does.

    ``crashes`` counts owners that died, since the last one that got past what was waiting;
    ``suspect`` is what the last of them was at.
    """

    node: str
    token: str
    remaining_ms: int
    since_ms: int = 0
    crashes: int = 0
    suspect: str = ""


class Member(NamedTuple):
    """A process of the namespace, and what it says of itself.

    ``silent_ms`` is how long ago it gave a sign of life, ``said_ms`` how old is what it says:
    its leases are kept by a thread, which lives on while the rest of it may be stuck.
    """

    node: str
    silent_ms: int
    said_ms: int
    about: Mapping[str, str]

    @property
    def serves(self) -> Sequence[str]:
        """The groups of leases that it takes a share of; none while it drains."""
        if self.about.get("state") != "serving":
            return ()
        return self.about.get("serves", "").split()


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a tenant fares; ages in seconds, None for never or not now.

    ``moved`` is how long ago it last got something done, ``busy`` how long it has been at
    what it is at. ``trouble`` says what keeps it; ``held`` is False where that stopped it.
    ``rate`` is how much it gets done in a second, of late; None where that is not counted.
    """

    moved: float | None = None
    busy: float | None = None
    trouble: str = ""
    held: bool = True
    rate: float | None = None


class Appended(NamedTuple):
    """One more item for a list of a row, as JSON, and how many items the list keeps."""

    field: str
    item: str
    limit: int


class RowChange(msgspec.Struct, array_like=True):
    """All that one event does to one row, as ``apply.lua`` reads it.

    First ``wipe`` and ``drop``, then ``put`` and ``add``, flat lists of field and value, then
    ``append``. ``ranks`` holds, by index name, the score that a changed ``order`` field gives;
    ``=`` where that is the field's own number, after all is added.
    """

    row: str
    position: int
    wipe: bool
    put: list[str]
    add: list[str]
    drop: list[str]
    ranks: dict[str, str]
    append: list[Appended] = []
