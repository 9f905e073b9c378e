"""What clients write down of what they did, and what stands in Redis when all is over."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine.core.codec import digest_of, logged, outcome_of, read_event_meta
from engine.core.messages import KnownMeta
from engine.core.outcome import Outcome, Status
from engine.core.rejections import REJECTED
from engine.store.session import RedisSession

NOT_OF_THE_ID = frozenset({"busy", "clock", "expired", "id_reused", "wrong_partition"})
"""Codes of rejections that say nothing of what became of an id."""


class Said(msgspec.Struct, frozen=True):
    """An outcome as a client was told it."""

    entry: str
    status: Status
    version: int
    position: int
    branch: str
    detail: dict[str, Any] = {}

    @property
    def is_of_the_id(self) -> bool:
        """Whether it says what became of the command's id."""
        return self.detail.get("code") not in NOT_OF_THE_ID or self.status is Status.DUPLICATE

    @property
    def is_of_the_aggregate(self) -> bool:
        """Whether it was decided where the aggregate is, and knows its version."""
        return self.detail.get("code") != "wrong_partition"

    @property
    def first(self) -> "First":
        """What it says of the first outcome of its id: itself, unless it repeats that one."""
        if self.status is not Status.DUPLICATE:
            return First(self.entry, self.status, self.version, self.position)
        said = self.detail["first"]
        return First(said["entry"], Status(said["status"]), said["version"], said["position"])


class First(NamedTuple):
    """The first outcome of an id, as everything said of it later must have it."""

    entry: str
    status: Status
    version: int
    position: int


class Attempt(msgspec.Struct, frozen=True):
    """One attempt of a client to have a command handled, as a line of its history tells it.

    ``data`` and ``meta`` are JSON, as sent. Times are nanoseconds of one clock that all clients
    share. Without an ``outcome`` nobody knows what became of the attempt; ``error`` may say why.
    """

    client: str
    attempt: int
    id: str
    type: str
    aggregate: str
    data: str
    meta: str
    invoked: int
    returned: int | None = None
    outcome: Said | None = None
    error: str | None = None

    @property
    def content(self) -> str:
        """What a repeat must have in common, as outcomes keep it."""
        return digest_of(self.type, self.data.encode(), self._meta.expect)

    @property
    def is_durable(self) -> bool:
        """Whether its answer was to survive the loss of a server."""
        return self._meta.durability not in (None, "memory")

    @property
    def _meta(self) -> KnownMeta:
        return _read_meta(self.meta) if self.meta else KnownMeta()

    @property
    def key(self) -> tuple[str, str]:
        """Whose command it is: an id means one thing per aggregate."""
        return self.aggregate, self.id


class _AnyMeta(KnownMeta, frozen=True, forbid_unknown_fields=False):
    """A command's ``meta`` with whatever a client of its own put there."""


_read_meta = msgspec.json.Decoder(_AnyMeta).decode


class Logged(NamedTuple):
    """One event of a log, with the command that caused it; or a note, which has no version."""

    partition: int
    position: int
    aggregate: str
    version: int
    causation: str
    entry: str
    type: str = ""
    data: bytes = b"{}"

    @property
    def said(self) -> dict[str, Any]:
        """What it says."""
        return _read_data(self.data)


_read_data = msgspec.json.Decoder(dict[str, Any]).decode


class Dump(msgspec.Struct, frozen=True):
    """All logs and outcomes, in order; what was forgotten; and what `semel verify` found.

    ``notes`` are those of commands that were refused.
    """

    events: Sequence[Logged]
    outcomes: Sequence[Outcome]
    forgotten: Sequence[str]
    findings: Sequence[str] = ()
    notes: Sequence[Logged] = ()


def read_histories(paths: Iterable[Path]) -> Iterator[Attempt]:
    """Every attempt in files of one JSON document a line; a torn last line is passed over.

    An attempt has a line when it begins, without an answer, and another one when it has
    ended: a client may be killed in between, or while it writes.
    """
    decoder = msgspec.json.Decoder(Attempt)
    for path in paths:
        lines = path.read_bytes().split(b"\n")
        attempts: dict[tuple[str, int], Attempt] = {}
        for line in lines[:-1]:
            attempt = decoder.decode(line)
            attempts[(attempt.client, attempt.attempt)] = attempt
        yield from attempts.values()


async def dump(session: RedisSession, findings: Sequence[str] = ()) -> Dump:
    """Everything the checker compares histories with; nobody may be writing meanwhile."""
    events: list[Logged] = []
    notes: list[Logged] = []
    outcomes: list[Outcome] = []
    forgotten: list[str] = []
    for partition in range(session.partitions):
        names = session.audit.names(partition)
        async for page in session.audit.entries(names.log, "0-0", "+"):
            for event in map(logged, page):
                meta = read_event_meta(event.meta)
                place = partition, event.position, event.aggregate, event.version
                one = Logged(*place, meta.causation, meta.entry, event.type, event.data)
                (notes if event.type == REJECTED else events).append(one)
        for key in (names.outcomes, names.late):
            async for page in session.audit.entries(key, "0-0", "+"):
                read = [outcome_of(entry, partition) for entry in page]
                outcomes += [one for one in read if one.status is not Status.DEFERRED]
        forgotten.append(await session.audit.forgotten(partition))
    return Dump(events, outcomes, forgotten, findings, notes)
