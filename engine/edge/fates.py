"""What became of a command, asked by whoever has its id: whichever door it came in by.

An outcome's stream id is its command's. Who knows that, and the aggregate, is told in two looks;
for who has the command's id alone the outcomes that are kept are searched (`hindsight`), and the
commands that stand before them.
"""

import anyio

from engine.core.codec import outcome_of
from engine.core.errors import Lost, NotFound, Unavailable
from engine.core.ids import just_below
from engine.core.outcome import Outcome, Status
from engine.core.ports import Session
from engine.core.records import Entry
from engine.core.routing import partition_of
from engine.edge.dispatch import Dispatch
from engine.edge.hindsight import PAGE, outcome_on

PAGES = 20
"""Pages of commands that are searched: a partition that is further behind has other sorrows."""


async def ask_fate(
    dispatch: Dispatch, aggregate: str, id: str, entry: str, seconds: float
) -> Outcome | None:
    """`fate_of`, on whichever session there is; raises `Unavailable` where none is in time."""
    with anyio.move_on_after(seconds):
        broken: Session | None = None
        while True:
            session = broken = await dispatch.session(after=broken)
            try:
                return await fate_of(session, aggregate, id, entry)
            except Lost:
                continue
    raise Unavailable("Redis is out of reach; nothing was read")


async def fate_of(session: Session, aggregate: str, id: str, entry: str = "") -> Outcome | None:
    """A command's outcome; `deferred` where that is not final, None while it has none.

    Raises `NotFound` where no such command is known, any more or at all.
    """
    look = _Look(session, aggregate, id)
    # The command first: it may be answered, and trimmed, between the two looks.
    stands = await look.command(entry)
    outcome = await look.outcome(entry) if entry else None
    if outcome is None or outcome.status is Status.DEFERRED:
        outcome = await outcome_on(session, id, aggregate)
    if outcome is None and not stands:
        raise NotFound(
            f"no command {id} of {aggregate} is known: it never came, or what became of it was "
            f"forgotten. Submit it again with the same id: it has its effect once"
        )
    return outcome


class _Look:
    """One partition's streams, looked at for one command."""

    def __init__(self, session: Session, aggregate: str, id: str) -> None:
        self._streams, self._id, self._aggregate = session.streams, id.encode(), aggregate.encode()
        self._partition = partition_of(aggregate, session.partitions)
        self._commands = session.commands_key(self._partition)
        self._outcomes = session.outcomes_key(self._partition)

    async def command(self, entry: str) -> bool:
        """Whether the command stands in its stream, there or anywhere."""
        if entry:
            return await self._at(self._commands, entry) is not None
        high = "+"
        for _ in range(PAGES):
            page = await self._streams.latest(self._commands, "-", high, PAGE)
            if any(map(self._is_it, page)):
                return True
            if len(page) < PAGE:
                break
            high = just_below(page[-1].id)
        return False

    async def outcome(self, entry: str) -> Outcome | None:
        """The outcome that stands where the command stood."""
        found = await self._at(self._outcomes, entry)
        return None if found is None else outcome_of(found, self._partition)

    async def _at(self, key: str, entry: str) -> Entry | None:
        found = await self._streams.between(key, entry, entry, 1)
        return found[0] if found and self._is_it(found[0]) else None

    def _is_it(self, entry: Entry) -> bool:
        fields = entry.fields
        return fields.get(b"id") == self._id and fields.get(b"aggregate") == self._aggregate
