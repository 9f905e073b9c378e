"""Parked aggregates of projections and routers, and what to do about them.

Whoever projects the partition of one replays or drops it, when asked to, and this waits for
the answer.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import anyio
import msgspec

from engine.core.errors import NotFound
from engine.core.generations import served_as
from engine.core.parking import DROP, Ask, Note
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.edge.dead import Dead
from engine.edge.foreseeing import Foreseen, Place, foreseen
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.app import RedisSession

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


class Parked:
    """The parked aggregates of a namespace.

    ``generation`` is the one of projections that is looked at; the live one unless given. A
    router has none.
    """

    def __init__(self, session: "RedisSession", generation: int | None = None) -> None:
        self._session, self._chosen = session, generation

    async def generation(self, projection: str) -> int | None:
        """The generation that is looked at; raises `NotFound` where there is no such one."""
        if await self._session.parked.is_router(projection):
            if self._chosen is not None:
                raise NotFound(f"{projection} is a router: it has no generations")
            return None
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

    async def foresee(
        self, domain: Domain, settings: Settings, projection: str, aggregate: str
    ) -> Foreseen:
        """What a replay would do; changes nothing. Raises `Misuse` without the code for it."""
        note, generation = await self.note(projection, aggregate), await self.generation(projection)
        place = Place(projection, generation, aggregate, note.position)
        return await foreseen(self._session, domain, settings, place)

    async def _notes(self, projection: str, aggregate: str) -> tuple[dict[str, Note], list[Ask]]:
        generation = await self.generation(projection)
        home = partition_of(aggregate, self._session.partitions)
        return await self._session.parked.notes(projection, generation, home)


def _nobody(ask: Ask, asks: Sequence[Ask]) -> str:
    """Why there is no answer yet."""
    if ask in asks:
        return "nobody has taken the request up yet: is a projection worker running (semel status)?"
    return "it is being replayed, or its worker ended meanwhile: look again, then ask again"
