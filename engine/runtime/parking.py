"""Parking: an event that cannot be handled stops its own aggregate, and nobody else's.

Who is parked is noted before anything behind the event is done (`engine.core.parking`). So
whoever comes next knows it, and nothing is skipped without a note. What operators ask for is done
between two steps, by the one who holds the lease.

What is the same for all that read a log is here; what handling an event anew means is theirs
(`engine.runtime.replay`, `engine.runtime.resending`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

import anyio
import msgspec

from engine.core.errors import NotNow, Refused, Torn
from engine.core.parking import (
    DROP,
    RETRY,
    Ask,
    Attempt,
    Fault,
    Note,
    asks_in,
    fault_of,
    notes_in,
    without,
    written,
)
from engine.core.ports import LogReader
from engine.core.records import Checkpoint, LoggedEvent
from engine.settings import Settings

ASKED_SECONDS = 0.5
"""How often it is looked what is asked, while anybody is parked."""


class Told(Enum):
    """What is said of a parked aggregate."""

    PARKED = auto()
    UNPARKED = auto()
    UNMENDED = auto()
    DROPPED = auto()


class Parking(ABC):
    """The aggregates that one reader of a log passes over."""

    def __init__(
        self, partition: int, log: LogReader, settings: Settings, is_stopping: Callable[[], bool]
    ) -> None:
        self._partition, self._reader = partition, log
        self._settings, self._is_stopping = settings, is_stopping
        self._parked: dict[str, Note] = {}
        self._unwritten: dict[str, str] = {}
        self._known: set[tuple[str, str]] = set()
        """Kinds of events with the errors that parked some: a known bug is not waited for."""
        self._look_at = 0.0
        self._counted = 0

    async def load(self) -> None:
        """Learn who is parked."""
        self._parked = notes_in(await self._reader.parked())
        self._count()

    def close(self) -> None:
        """Forget who is parked."""
        self._parked = {}
        self._count()

    @property
    def notes(self) -> Mapping[str, str]:
        """What the next step must write beside the checkpoint."""
        return self._unwritten

    def noted(self) -> None:
        """That step is done."""
        if self._unwritten:
            self._unwritten = {}
            self._count()

    def passes_over(self, event: LoggedEvent) -> bool:
        """Whether an event waits behind one that could not be handled, or is that one."""
        note = self._parked.get(event.aggregate)
        return note is not None and event.position >= note.position

    @property
    def is_full(self) -> bool:
        """Whether nobody more can be parked."""
        return len(self._parked) >= self._settings.parked_limit

    @property
    def hint(self) -> str:
        """What to say of an event that cannot be parked any more."""
        return f" ({len(self._parked)} aggregates are parked, no more can be)" * self.is_full

    async def parks(
        self, event: LoggedEvent, error: Exception, attempts: int, since: float
    ) -> bool:
        """Park an event's aggregate where it has been tried enough; False to try again."""
        late = anyio.current_time() - since >= self._settings.park_after_seconds
        bug = event.type, type(error).__name__
        enough = attempts >= self._settings.park_after_attempts or late or bug in self._known
        if not enough or self.passes_over(event) or self.is_full:
            return False
        self._known.add(bug)
        await self.park(event, fault_of(error), attempts)
        return True

    async def park(self, event: LoggedEvent, fault: Fault, attempts: int) -> None:
        """Pass over an aggregate from this event on, and have the next step note that."""
        now = await self._reader.now_ms()
        note = Note(event.position, event.type, fault, attempts, now)
        self._parked[event.aggregate] = note
        self._unwritten[event.aggregate] = written(note)
        self._tell(
            Told.PARKED, event.aggregate, error=str(fault), attempts=attempts,
            position=event.position, type=event.type,
        )  # fmt: skip

    async def is_asked(self) -> bool:
        """Whether anything is asked about those who are parked."""
        return bool(await self._asks())

    async def heed(self, reached: Checkpoint) -> None:
        """Do what is asked about those who are parked, now and then; raises `Torn`.

        Nothing above ``reached``, the checkpoint, may have been handled without being written.
        """
        now = anyio.current_time()
        if not self._parked or now < self._look_at:
            return
        self._look_at = now + ASKED_SECONDS
        for ask in await self._asks():
            if ask.aggregate in self._parked:
                await (self._replay if ask.verb == RETRY else self._drop)(ask, reached)
        self._count()

    @abstractmethod
    def _tell(self, told: Told, aggregate: str, **about: object) -> None:
        """Say what became of an aggregate."""

    @abstractmethod
    def _add(self, parked: int) -> None:
        """Count more who are parked, or fewer."""

    @abstractmethod
    async def _note(self, reached: Checkpoint, notes: Mapping[str, str]) -> None:
        """Write notes under the fence, the checkpoint staying where it is."""

    @abstractmethod
    async def _redo(
        self, ask: Ask, reached: Checkpoint, page: list[LoggedEvent], mine: list[LoggedEvent]
    ) -> Note | None:
        """Handle an aggregate's events in a page; its note since, None for none. Both written."""

    def _after(
        self, ask: Ask, page: list[LoggedEvent], reached: Checkpoint, tried: Attempt[Any]
    ) -> Note | None:
        """The note on an aggregate after a page of its replay; None where all is done."""
        note = self._parked[ask.aggregate]
        if tried.stopped_by is not None and tried.fault is not None:
            return _failed(note, tried.stopped_by, tried.fault, ask)
        if page and page[-1].position < reached.position:
            return msgspec.structs.replace(note, position=page[-1].position + 1)
        return None

    async def _asks(self) -> list[Ask]:
        """What is asked about those of whom it is written that they are parked."""
        if not self._parked:
            return []
        known = self._parked.keys() - self._unwritten.keys()
        asks = asks_in(await self._reader.parked())
        return [ask for ask in asks if ask.verb in (RETRY, DROP) and ask.aggregate in known]

    async def _drop(self, ask: Ask, reached: Checkpoint) -> None:
        await self._note(reached, without(ask.aggregate))
        note = self._parked.pop(ask.aggregate)
        self._tell(Told.DROPPED, ask.aggregate, position=note.position, upto=reached.position)

    async def _replay(self, ask: Ask, reached: Checkpoint) -> None:
        """Handle an aggregate's events from where it was parked, page by page, in order.

        Each page is one step, which moves the note to behind it; the last one removes it. The
        request goes first: a replay that kills its worker must not kill the next one too.
        """
        await self._note(reached, {ask.field: ""})
        goes_on = True
        while goes_on and not self._is_stopping():
            goes_on = await self._replay_page(ask, reached)

    async def _replay_page(self, ask: Ask, reached: Checkpoint, *, alone: bool = False) -> bool:
        """One page of the log; False when it was the last, or could not be replayed.

        ``alone``: only as far as the aggregate's first event in it.
        """
        note = self._parked[ask.aggregate]
        page = await self._reader.events_after(
            note.position - 1, self._settings.projection_batch_events
        )
        if [event.position for event in page[:1]] != [note.position]:
            raise Torn(f"position {note.position}, where {ask.aggregate} was parked, is not there")
        # None, where the note was written in a step before its own event's: that one is next.
        page = [event for event in page if event.position <= reached.position]
        mine = [event for event in page if event.aggregate == ask.aggregate]
        if alone:
            page, mine = page[: page.index(mine[0]) + 1], mine[:1]
        try:
            after = await self._redo(ask, reached, page, mine)
        except Refused as error:
            if isinstance(error, NotNow) or not mine:
                raise
            if len(mine) > 1:
                return await self._replay_page(ask, reached, alone=True)
            after = _failed(note, mine[0], fault_of(error), ask)
            await self._note(reached, {ask.aggregate: written(after)})
        return self._goes_on(ask, after)

    def _goes_on(self, ask: Ask, note: Note | None) -> bool:
        """Keep and say what a page came to; whether there is another to replay."""
        if note is None:
            del self._parked[ask.aggregate]
            self._tell(Told.UNPARKED, ask.aggregate)
            return False
        self._parked[ask.aggregate] = note
        if note.answered == ask.id:
            self._tell(Told.UNMENDED, ask.aggregate, position=note.position, error=str(note.error))
        return note.answered != ask.id

    def _count(self) -> None:
        self._add(len(self._parked) - self._counted)
        self._counted = len(self._parked)


def _failed(note: Note, event: LoggedEvent, fault: Fault, ask: Ask) -> Note:
    """The note after a replay that this event ended."""
    return msgspec.structs.replace(
        note, position=event.position, event=event.type, error=fault,
        attempts=note.attempts + 1, answered=ask.id,
    )  # fmt: skip
