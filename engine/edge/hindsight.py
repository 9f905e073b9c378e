"""What became of a command, looked for afterwards among the outcomes that are kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from engine.core.ids import stream_ms, uuid7_ms
from engine.core.outcome import Outcome, Status
from engine.core.ports import Ledger, Session
from engine.core.routing import partition_of

PAGE = 500
"""Outcomes in one page: a tenth of a megabyte, a fraction of a millisecond of Redis's time."""

_SKEW_MS = 600_000
"""So much later than by Redis's clock may a client's clock have made an id."""


async def outcome_on(session: Session, id: str, aggregate: str | None) -> Outcome | None:
    """The outcome of a command's id, of one aggregate or of any; None where none is kept.

    A repeat's outcome will do, for it says what the first one was. Raises `Lost`.
    """
    weak: Outcome | None = None
    homes: Iterable[int] = range(session.partitions)
    if aggregate is not None:
        homes = (partition_of(aggregate, session.partitions),)
    for partition in homes:
        ledger = session.ledger(partition, "")
        async for outcome in _newest_first(ledger.outcomes, _oldest_of(id)):
            if outcome.id != id or aggregate not in (None, outcome.aggregate):
                continue
            if not outcome.digest:  # busy, id_reused …: it says nothing of the id, and another may
                weak = weak or outcome
            elif outcome.decisive is Status.DEFERRED:
                return await _late(ledger, outcome) or outcome
            else:
                return outcome
    return weak


async def _late(ledger: Ledger, deferred: Outcome) -> Outcome | None:
    """The final outcome of a deferred command, where it has one."""
    async for outcome in _newest_first(ledger.late, stream_ms(deferred.entry)):
        if outcome.entry == deferred.entry:
            return outcome
    return None


def _oldest_of(id: str) -> int:
    """Before this time, in ms, there can be no outcome of an id that has its time in it."""
    made = uuid7_ms(id)
    return 0 if made is None else made - _SKEW_MS


async def _newest_first(
    read: Callable[[str, int], Awaitable[list[Outcome]]], oldest_ms: int
) -> AsyncIterator[Outcome]:
    """What is kept, from the end down to a time; read by page."""
    below = "+"
    while page := await read(below, PAGE):
        for outcome in page:
            below = outcome.late or outcome.entry
            if stream_ms(below) < oldest_ms:
                return
            yield outcome
