"""What a command would do: its outcome, its events and timers, the rows that would change.

Nothing here is written anywhere. Deciding is the partition's, folding the projectors' own.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from engine.core.codec import time_of
from engine.core.errors import SemelError
from engine.core.firing import TimerWrite, name_of
from engine.core.fold import WATERMARK, RowFold
from engine.core.outcome import Outcome
from engine.core.projecting import projecting
from engine.core.projection import Projection
from engine.core.records import Entry, LoggedEvent, RowChange
from engine.core.registry import Domain

Fields = Mapping[str, str]
"""A row's fields, as they stand in its hash."""


class Rehearsed(NamedTuple):
    """The outcome that a command would have, and its events, where they would stand in the log.

    ``timers`` are what its commit would do to timers. ``traceback`` is that of a decider that
    raised.
    """

    outcome: Outcome
    events: Sequence[LoggedEvent]
    timers: Sequence[TimerWrite] = ()
    traceback: str = ""


Rehearse = Callable[..., Awaitable[Rehearsed]]
"""Decides without a commit; see `engine.runtime.rehearsal.rehearse`."""


WAITS = {
    "raised": "its decider raised: it would wait, be tried again, and fail after the last attempt",
    "unreadable": "it would wait for code that can read what is stored, and fail without",
    "slow": "its decider took longer than it may: it would wait, and then fail (too_slow)",
    "behind": "it would wait behind an earlier command of this aggregate, which comes first",
}
"""What a dry run says of an outcome that would be deferred, by its code."""


class NewFact(msgspec.Struct, frozen=True):
    """An event that would follow."""

    version: int
    type: str
    data: Any


class NewTimer(msgspec.Struct, frozen=True):
    """A timer that would be set, or cancelled: then it is due never, and sends nothing.

    A time counts from the dry run.
    """

    name: str
    due: datetime | None = None
    type: str | None = None
    data: Any = None


def new_timer(write: TimerWrite) -> NewTimer:
    """What a commit would do to a timer, for people."""
    name, timer = name_of(write.key), write.timer
    if timer is None:
        return NewTimer(name)
    return NewTimer(name, time_of(timer.at), timer.type, msgspec.json.decode(timer.data))


class RowEffect(msgspec.Struct, frozen=True):
    """What would become of a row: each field that changes, before and after; None for none.

    ``is_new`` and ``is_deleted`` say that it would come, or go.
    """

    projection: str
    row: str
    fields: dict[str, tuple[str | None, str | None]]
    is_new: bool = False
    is_deleted: bool = False


class DryRun(msgspec.Struct, frozen=True):
    """What a command would do. ``outcome`` has ids and places that it will not have in earnest.

    ``notes`` say what a command would wait for, have a decider's traceback, and say why rows may
    come out otherwise or not at all.
    """

    outcome: Outcome
    events: list[NewFact]
    timers: list[NewTimer]
    rows: list[RowEffect]
    notes: list[str]


class Touched:
    """The changes that some events would make to one projection's rows, by row."""

    def __init__(self, domain: Domain, projection: Projection[Any]) -> None:
        self.projection = projection
        self._project = projecting(domain, projection)
        self.changes: dict[str, list[RowChange]] = {}
        self.failure = ""
        """Why the projection would park the aggregate; what came before is kept."""

    def take(self, partition: int, event: LoggedEvent) -> None:
        """Project one event; where the projection's code raises, that is the end of it."""
        if self.failure:
            return
        try:
            changes = self._project(partition, event)
        except Exception as error:  # noqa: BLE001 -- the boundary to the projection's code: told
            said = f"{type(error).__name__}: {error}"
            self.failure = f"{self.projection.name} cannot apply {event.type}: {said}"
            return
        for change in changes:
            self.changes.setdefault(change.row, []).append(change)

    def effects(self, partition: int, standing: Mapping[str, Fields]) -> Iterator[RowEffect]:
        """What becomes of the rows, given how they stand."""
        for row, changes in self.changes.items():
            before = standing[row]
            fold = RowFold(row, f"{WATERMARK}{partition}", before)
            try:
                for change in changes:
                    fold.fold(change)
            except SemelError as error:
                self.failure = f"{self.projection.name} cannot change {row}: {error}"
                continue
            effect = _effect(self.projection.name, row, before, fold.fields())
            if effect is not None:
                yield effect


def _effect(projection: str, row: str, before: Fields, after: Fields) -> RowEffect | None:
    was, will = _shown(before), _shown(after)
    changed = {
        name: (was.get(name), will.get(name))
        for name in (was | will)
        if was.get(name) != will.get(name)
    }
    is_new, is_deleted = not _is_there(before) and _is_there(after), "_deleted" in after
    if not changed and not is_new:
        return None
    return RowEffect(projection, row, changed, is_new, is_deleted and _is_there(before))


def _shown(fields: Fields) -> dict[str, str]:
    """The fields of a row that are its author's."""
    return {name: text for name, text in fields.items() if name[:1] != "_"}


def _is_there(fields: Fields) -> bool:
    return bool(fields) and "_deleted" not in fields


def entry_of(at_ms: int, fields: Mapping[str, bytes]) -> Entry:
    """An entry as it would be read, had it been added then."""
    return Entry(f"{at_ms}-0", {name.encode(): value for name, value in fields.items()})
