"""Parked aggregates of projections, and what to do about them.

Whoever projects the partition of one replays or drops it, when asked to, and this waits for
the answer.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import anyio
import msgspec

from engine.core.errors import Misuse, NotFound
from engine.core.fold import WATERMARK
from engine.core.generations import served_as
from engine.core.parking import DROP, Ask, Note, attempt
from engine.core.projecting import projecting
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.edge.dead import Dead

if TYPE_CHECKING:
    from engine.app import RedisSession

_PAGE = 1000
"""Events of a log that are read at once."""

_POLL_SECONDS = 0.1
"""How often it is looked whether a request was answered."""

_ASK_BYTES = 6
"""Random bytes in a request's id: it tells this answer from the one before."""


class Answer(StrEnum):
    """What became of a request."""

    DONE = "done"
    STILL_PARKED = "still parked"
    UNANSWERED = "unanswered"


class Answered(msgspec.Struct):
    """What became of a request about one aggregate, and why, where it came to nothing."""

    projection: str
    aggregate: str
    answer: Answer
    position: int = 0
    error: str = ""


class Foreseen(msgspec.Struct):
    """What a replay would do, with the code that is found here; ``upto`` is the checkpoint."""

    projection: str
    aggregate: str
    position: int
    upto: int
    events: int
    rows: int
    stops_at: int | None = None
    error: str = ""


class Parked:
    """The parked aggregates of a namespace.

    ``generation`` is the one of projections that is looked at; the live one unless given.
    """

    def __init__(self, session: "RedisSession", generation: int | None = None) -> None:
        self._session, self._chosen = session, generation

    async def generation(self, projection: str) -> int:
        """The generation that is looked at; raises `NotFound` where there is no such one."""
        if self._chosen is None:
            return await self._session.rows.live(projection)
        kept = (await self._session.builds.read(projection)).kept
        if self._chosen not in kept:
            there = ", ".join(served_as(projection, number) for number in kept)
            raise NotFound(f"there is no {served_as(projection, self._chosen)}, only {there}")
        return self._chosen

    async def aggregates(self, projection: str) -> AsyncIterator[tuple[int, str, Note]]:
        """The aggregates that a generation of a projection passes over."""
        generation = await self.generation(projection)
        every = range(self._session.partitions)
        counts = await self._session.parked.counts(projection, generation, every)
        for number in [number for number in every if counts[number]]:
            notes, _ = await self._session.parked.notes(projection, generation, number)
            for aggregate, note in notes.items():
                yield number, aggregate, note

    async def listed(self, projection: str) -> list[Dead]:
        """The same, as they are listed."""
        generation = await self.generation(projection)
        return [
            Dead(projection, generation, aggregate, aggregate, number, str(note.position),
                 note.event, note.attempts, note.since_ms, str(note.error), note.error.type)
            async for number, aggregate, note in self.aggregates(projection)
        ]  # fmt: skip

    async def note(self, projection: str, aggregate: str) -> Note:
        """Why an aggregate is parked; raises `NotFound` if it is not."""
        notes, _ = await self._notes(projection, aggregate)
        if aggregate not in notes:
            raise NotFound(f"{aggregate} is not parked in {projection}: see `semel dead list`")
        return notes[aggregate]

    async def ask(self, verb: str, projection: str, aggregate: str) -> Ask:
        """Ask whoever projects it to do something about an aggregate; raises `NotFound`."""
        ask = Ask(verb, aggregate, secrets.token_hex(_ASK_BYTES))
        generation = await self.generation(projection)
        home = partition_of(aggregate, self._session.partitions)
        if not await self._session.parked.ask(projection, generation, home, ask):
            raise NotFound(f"{aggregate} is not parked in {projection}: see `semel dead list`")
        return ask

    async def answer(self, projection: str, ask: Ask, deadline: float) -> Answered:
        """Wait for what becomes of a request, up to a time of `anyio.current_time`."""
        while True:
            notes, asks = await self._notes(projection, ask.aggregate)
            note = notes.get(ask.aggregate)
            # A drop takes the request with it; the next event may have been parked since.
            if note is None or (ask.verb == DROP and ask not in asks):
                return Answered(projection, ask.aggregate, Answer.DONE)
            answer = Answer.STILL_PARKED if note.answered == ask.id else Answer.UNANSWERED
            if answer is Answer.STILL_PARKED or anyio.current_time() >= deadline:
                error = str(note.error) if note.answered == ask.id else _nobody(ask, asks)
                return Answered(projection, ask.aggregate, answer, note.position, error)
            await anyio.sleep(_POLL_SECONDS)

    async def foresee(self, domain: Domain, projection: str, aggregate: str) -> Foreseen:
        """What a replay would do; changes nothing. Raises `Misuse` without the projection."""
        if projection not in domain.projections:
            raise Misuse(f"there is no projection {projection} in the code here")
        session, project = self._session, projecting(domain, domain.projections[projection])
        note, home = (
            await self.note(projection, aggregate), partition_of(aggregate, session.partitions)
        )  # fmt: skip
        generation = await self.generation(projection)
        upto = (await session.checkpoints.applied(projection, generation, home)).position
        seen = Foreseen(projection, aggregate, note.position, upto, 0, 0)
        at, rows = note.position - 1, set[str]()
        while at < upto and not seen.error:
            page = await session.inspection.log(home, at, min(_PAGE, upto - at))
            if not page:
                break
            mine = [event for event in page if event.aggregate == aggregate]
            tried = attempt(project, home, mine)
            hashes = await session.rows.rows(projection, generation, tried.rows)
            marks = [int(fields.get(f"{WATERMARK}{home}", 0)) for fields in hashes]
            tried = tried.settled(projection, dict(zip(tried.rows, marks, strict=True)))
            rows |= set(tried.rows)
            seen.events += len(tried.done)
            if tried.stopped_by is not None:
                seen.stops_at, seen.error = tried.stopped_by.position, str(tried.fault)
            at = page[-1].position
        seen.rows = len(rows)
        return seen

    async def _notes(self, projection: str, aggregate: str) -> tuple[dict[str, Note], list[Ask]]:
        generation = await self.generation(projection)
        home = partition_of(aggregate, self._session.partitions)
        return await self._session.parked.notes(projection, generation, home)


def _nobody(ask: Ask, asks: Sequence[Ask]) -> str:
    """Why there is no answer yet."""
    if ask in asks:
        return "nobody has taken the request up yet: is a projection worker running (semel status)?"
    return "it is being replayed, or its worker ended meanwhile: look again, then ask again"
