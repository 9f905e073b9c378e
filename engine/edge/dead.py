"""What could not be handled, and what to do about it: parked aggregates and dead letters.

A parked aggregate is a projection's: whoever projects its partition replays or drops it, when
asked to, and this waits for the answer. A dead letter is a command that nobody could handle.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from engine.core.errors import Misuse, NotFound
from engine.core.ids import stream_ms
from engine.core.parking import DROP, Ask, Fault, Note, attempt
from engine.core.projecting import projecting
from engine.core.records import Entry
from engine.core.registry import Domain
from engine.core.routing import partition_of

if TYPE_CHECKING:
    from engine.app import RedisSession

COMMANDS, INBOX = "commands", "inbox"
"""Sources that are no projections."""

_PAGE = 1000
"""Events of a log that are read at once."""

_POLL_SECONDS = 0.1
"""How often it is looked whether a request was answered."""

_ASK_BYTES = 6
"""Random bytes in a request's id: it tells this answer from the one before."""


class Dead(msgspec.Struct):
    """One thing that could not be handled; ``source`` is a projection, `COMMANDS` or `INBOX`.

    ``at`` is where it begins: a position of the log, or a stream id.
    """

    source: str
    name: str
    aggregate: str
    partition: int | None
    at: str
    type: str
    attempts: int
    since_ms: int
    error: str


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


class DeadLetters:
    """Everything that could not be handled, in one namespace."""

    def __init__(self, session: "RedisSession") -> None:
        self._session = session

    async def parked(self, projection: str) -> AsyncIterator[tuple[int, str, Note]]:
        """The aggregates that the live generation of a projection passes over."""
        generation = await self._session.rows.live(projection)
        every = range(self._session.partitions)
        counts = await self._session.parked.counts(projection, generation, every)
        for number in [number for number in every if counts[number]]:
            notes, _ = await self._session.parked.notes(projection, generation, number)
            for aggregate, note in notes.items():
                yield number, aggregate, note

    async def every(self, projections: Sequence[str], limit: int) -> list[Dead]:
        """Parked aggregates of projections, then dead letters, up to ``limit`` of each stream."""
        found = [
            Dead(name, aggregate, aggregate, number, str(note.position), note.event,
                 note.attempts, note.since_ms, str(note.error))
            for name in projections
            async for number, aggregate, note in self.parked(name)
        ]  # fmt: skip
        for partition in (*range(self._session.partitions), None):
            letters = await self._session.parked.letters(partition, "0-0", limit)
            found += [_dead(partition, letter) for letter in letters]
        return found

    async def note(self, projection: str, aggregate: str) -> Note:
        """Why an aggregate is parked; raises `NotFound` if it is not."""
        notes, _ = await self._notes(projection, aggregate)
        if aggregate not in notes:
            raise NotFound(f"{aggregate} is not parked in {projection}: see `semel dead list`")
        return notes[aggregate]

    async def letter(self, source: str, name: str) -> dict[str, Any]:
        """A dead letter's fields, by the name that the list has; raises `NotFound`."""
        number, _, id = name.rpartition("/")
        if source == COMMANDS and not number.isdecimal():
            raise Misuse(f"{name!r} names no dead letter of a command: those look like 7/170…-0")
        partition = int(number) if source == COMMANDS else None
        after = f"{_before(id)}"
        for letter in await self._session.parked.letters(partition, after, 1):
            if letter.id == id:
                return {
                    field.decode(): _shown(field, value) for field, value in letter.fields.items()
                }
        raise NotFound(f"there is no dead letter {name} of {source}: see `semel dead list`")

    async def ask(self, verb: str, projection: str, aggregate: str) -> Ask:
        """Ask whoever projects it to do something about an aggregate; raises `NotFound`."""
        ask = Ask(verb, aggregate, secrets.token_hex(_ASK_BYTES))
        generation = await self._session.rows.live(projection)
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
        generation = await session.rows.live(projection)
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
            marks = [int(fields.get(f"_at:{home}", 0)) for fields in hashes]
            tried = tried.settled(dict(zip(tried.rows, marks, strict=True)))
            rows |= set(tried.rows)
            seen.events += len(tried.done)
            if tried.stopped_by is not None:
                seen.stops_at, seen.error = tried.stopped_by.position, str(tried.fault)
            at = page[-1].position
        seen.rows = len(rows)
        return seen

    async def _notes(self, projection: str, aggregate: str) -> tuple[dict[str, Note], list[Ask]]:
        generation = await self._session.rows.live(projection)
        home = partition_of(aggregate, self._session.partitions)
        return await self._session.parked.notes(projection, generation, home)


def _nobody(ask: Ask, asks: Sequence[Ask]) -> str:
    """Why there is no answer yet."""
    if ask in asks:
        return "nobody has taken the request up yet: is a projection worker running (semel status)?"
    return "it is being replayed, or its worker ended meanwhile: look again, then ask again"


def _dead(partition: int | None, letter: Entry) -> Dead:
    fields = {
        name.decode(): value.decode(errors="replace") for name, value in letter.fields.items()
    }
    name = letter.id if partition is None else f"{partition}/{letter.id}"
    why = _error(letter.fields.get(b"error", b""))
    return Dead(
        INBOX if partition is None else COMMANDS, name, fields.get("aggregate", ""), partition,
        fields.get("entry", ""), fields.get("type", ""), int(fields.get("attempts") or 0),
        stream_ms(letter.id), str(why),
    )  # fmt: skip


def _error(raw: bytes) -> Fault:
    said = msgspec.json.decode(raw) if raw else {}
    return Fault(str(said.get("code", "")), str(said.get("message", "")))


def _shown(field: bytes, value: bytes) -> Any:
    return msgspec.json.decode(value) if field == b"error" else value.decode(errors="replace")


def _before(id: str) -> str:
    """The stream id just below; raises `Misuse` for what is none."""
    ms, dash, sequence = id.partition("-")
    if not dash or not ms.isdecimal() or not sequence.isdecimal():
        raise Misuse(f"{id!r} is not the id of a dead letter: see `semel dead list`")
    if int(sequence):
        return f"{ms}-{int(sequence) - 1}"
    return f"{max(0, int(ms) - 1)}-{2**64 - 1}"
