"""Dead letters: commands that nobody could handle."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engine.core.errors import Misuse, NotFound
from engine.core.ids import stream_ms
from engine.core.inside import again_id
from engine.core.parking import Fault
from engine.core.records import Entry

if TYPE_CHECKING:
    from engine.app import RedisSession

COMMANDS, INBOX = "commands", "inbox"
"""Sources that are no projections."""

_PAGE = 100
"""Letters read at a time: each may be as large as a command can be."""


class Dead(msgspec.Struct):
    """One thing that could not be handled; ``source`` is a projection, `COMMANDS` or `INBOX`.

    ``generation`` is the projection's; ``at`` is where it begins: a position of the log, or a
    stream id.
    """

    source: str
    generation: int | None
    name: str
    aggregate: str
    partition: int | None
    at: str
    type: str
    attempts: int
    since_ms: int
    error: str
    code: str = ""


class Filter(NamedTuple):
    """Which letters are meant: those that are all that is said."""

    type: str | None = None
    code: str | None = None
    aggregate: str | None = None

    def takes(self, dead: Dead) -> bool:
        """Whether a letter is meant."""
        return all(said is None or getattr(dead, name) == said for name, said in _said(self))


def _said(chosen: Filter) -> Iterator[tuple[str, str | None]]:
    return iter(chosen._asdict().items())


class Revived(msgspec.Struct):
    """A letter's command that was submitted again, or would be: its new id, and entry."""

    source: str
    name: str
    type: str
    aggregate: str
    id: str
    entry: str
    error: str = ""


class DeadLetters:
    """The dead letters of a namespace."""

    def __init__(self, session: "RedisSession") -> None:
        self._session = session

    async def letters(self, limit: int) -> list[Dead]:
        """Dead letters, up to ``limit`` of each stream."""
        return [
            _dead(partition, letter)
            for partition in (*range(self._session.partitions), None)
            for letter in await self._session.parked.letters(partition, "0-0", limit)
        ]

    async def chosen(self, source: str, name: str | None, which: Filter) -> list[Dead]:
        """The letters that are meant, one by its name or all that fit; raises `NotFound`."""
        where = range(self._session.partitions) if source == COMMANDS else (None,)
        found = [
            dead
            for partition in where
            async for dead in self._all(partition)
            if which.takes(dead) and name in (None, dead.name)
        ]
        if not found:
            meant = f"letter {name} of {source}" if name else f"such letter of {source}"
            raise NotFound(
                f"there is no {meant}: it may have been retried or dropped; see `semel dead list`"
            )
        return found

    async def retry(self, dead: Dead, *, dry_run: bool) -> Revived:
        """Submit a letter's command again, with a new id that names the old one."""
        letter = await self.letter(dead.source, dead.name)
        id = again_id(self._session.secret, letter["id"] or letter["entry"])
        again = Revived(dead.source, dead.name, dead.type, dead.aggregate, id, "")
        if "others" in letter["error"] or "others_bytes" in letter["error"]:
            again.error = "it had fields that no command has: submit it anew, as it should be"
        elif not dry_run:
            place = dead.partition, dead.name.rpartition("/")[2]
            again.entry = await self._session.parked.revive(*place, id)
            again.error = "" if again.entry else "somebody else was first: it is not there any more"
        return again

    async def drop(self, dead: Dead) -> bool:
        """Throw a letter away; False where somebody else was first."""
        return await self._session.parked.drop(dead.partition, dead.name.rpartition("/")[2])

    async def _all(self, partition: int | None) -> AsyncIterator[Dead]:
        async for letter in dead_letters(self._session, partition):
            yield _dead(partition, letter)

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


async def dead_letters(session: "RedisSession", partition: int | None) -> AsyncIterator[Entry]:
    """All dead letters of a partition's commands, or of the inbox, as they stand."""
    after = "0-0"
    while page := await session.parked.letters(partition, after, _PAGE):
        for letter in page:
            yield letter
        after = page[-1].id


def _dead(partition: int | None, letter: Entry) -> Dead:
    fields = {
        name.decode(): value.decode(errors="replace") for name, value in letter.fields.items()
    }
    name = letter.id if partition is None else f"{partition}/{letter.id}"
    why = _error(letter.fields.get(b"error", b""))
    return Dead(
        INBOX if partition is None else COMMANDS, None, name, fields.get("aggregate", ""),
        partition, fields.get("entry", ""), fields.get("type", ""),
        int(fields.get("attempts") or 0), stream_ms(letter.id), str(why), why.type,
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
