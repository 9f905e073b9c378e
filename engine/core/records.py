"""What passes between the floors: entries read, commits written, changes to rows.

Stream ids are text, ``<ms>-<seq>``. Bytes stay bytes until the core has judged them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

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
    """How far a partition has committed; ``commit`` counts commits, from 0."""

    commit: int = 0
    command: str = "0-0"
    position: int = 0
    forgotten: str = "0-0"
    branch: str = ""


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as an aggregate's stream holds it."""

    version: int
    type: str
    data: bytes
    meta: bytes


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
    ``version`` is the aggregate's after the command.
    """

    entry: str
    id: bytes
    status: Status
    aggregate: bytes
    version: int
    digest: str
    detail: bytes
    events: Sequence[NewEvent]


class Commit(msgspec.Struct, frozen=True, gc=False):
    """One atomic step: it holds only if ``number`` and ``position`` are what head says.

    ``versions`` maps each aggregate that gets events to the version it must have before.
    """

    number: int
    command: str
    position: int
    branch: str
    versions: Mapping[str, int]
    records: Sequence[Record]


class Checkpoint(msgspec.Struct):
    """How far one generation has applied one partition's log, and the event it stands on."""

    position: int = 0
    command: str = ""
    branch: str = ""


class LeaseState(NamedTuple):
    """Who holds a lease, by Redis's clock; ``node`` is empty when nobody does."""

    node: str
    token: str
    remaining_ms: int


class RowChange(msgspec.Struct, array_like=True):
    """All that one event does to one row, as ``apply.lua`` reads it and in its order.

    First ``wipe`` and ``drop``, then ``put`` and ``add``: flat lists of field and value.
    ``ranks`` holds, by index name, the score that a changed ``order`` field gives; ``=``
    where that is the field's own number, after all is added.
    """

    row: str
    position: int
    wipe: bool
    put: list[str]
    add: list[str]
    drop: list[str]
    ranks: dict[str, str]
