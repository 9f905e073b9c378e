"""Read your writes: which generation a query reads, once it has what a receipt stands for.

While a query waits, the generation it waits for may stop being the live one: a rebuild takes
its place, or an operator takes that back. The one of before may stand still for ever, so each
look asks for both, what is live and how far it has come.
"""

from typing import NamedTuple

import anyio

from engine.core.branches import exists
from engine.core.errors import Behind, HistoryLost, Misuse, Parked
from engine.core.outcome import Outcome, Receipt
from engine.core.ports import Checkpoints
from engine.core.ports.querying import Glance
from engine.core.routing import aggregate_fault
from engine.edge.queries import GenerationOf

POLL_FIRST, POLL_LIMIT = 0.0005, 0.02
"""Seconds between looks at a checkpoint that is waited for, from first to limit."""

LATE_SHARE = 0.25
"""A view is late by this much of what it was waited for, at the most, or by the first pause."""

EARLY_SHARE = 0.75
"""Of what views took lately: before that a look is hardly ever worth what it costs everybody."""

_WEIGHT = 0.25
"""Of one wait in what views took lately: a change of load is noticed within some views."""

_GUESS = 1
"""The generation that is asked about first: nearly every other has been rebuilt from it."""


class Wanted(NamedTuple):
    """What a view must have seen; ``aggregate`` is whose outcome it is, empty if nobody knows."""

    receipt: Receipt
    aggregate: str = ""

    def require_within(self, partitions: int) -> None:
        """Raise `Misuse` where a namespace has not the partition that it names."""
        if self.receipt.partition >= partitions:
            raise Misuse(
                f"{self.receipt} is no receipt of this namespace: it has no such partition"
            )


def wanted(after: Outcome | Receipt | str | None) -> Wanted | None:
    """What an outcome, or a receipt that came from one, stands for; raises `Misuse` for neither."""
    match after:
        case None:
            return None
        case Outcome():
            known = aggregate_fault(after.aggregate) is None
            return Wanted(after.receipt, after.aggregate if known else "")
        case str():
            return Wanted(Receipt.parse(after))
    return Wanted(after)


class Waits:
    """How long views were waited for lately, by projection; from it follows when to look again."""

    def __init__(self) -> None:
        self._typical: dict[str, float] = {}

    def pause(self, projection: str, waited: float) -> float:
        """Seconds until the next look, after so many of waiting."""
        early = self._typical.get(projection, 0.0) * EARLY_SHARE - waited
        return min(POLL_LIMIT, max(POLL_FIRST, early, waited * LATE_SHARE))

    def note(self, projection: str, waited: float) -> None:
        """A view was there after so many seconds; at once, which says nothing of the others."""
        if waited > POLL_FIRST:
            typical = self._typical.get(projection, waited)
            self._typical[projection] = typical + (waited - typical) * _WEIGHT


def fresh(
    checkpoints: Checkpoints, wanted: Wanted, deadline: float, waits: Waits | None = None
) -> GenerationOf:
    """What answers, for a projection, with its live generation once that has what is wanted.

    It waits up to a time of `anyio.current_time`, and raises `Behind` then; `HistoryLost` where
    what is wanted does not exist any more; `Parked` where the projection passed over it. Where
    many wait, ``waits`` is what they learn from each other.
    """
    waiting = _Waiting(checkpoints, wanted, deadline, waits or Waits())

    async def generation(projection: str) -> int:
        return await waiting.generation(projection)

    # A function, not the method: queries hold it, and it has no attribute that leads further.
    return generation


class _Waiting:
    """One query's wait for what is wanted."""

    def __init__(
        self, checkpoints: Checkpoints, wanted: Wanted, deadline: float, waits: Waits
    ) -> None:
        self._checkpoints, self._deadline, self._waits = checkpoints, deadline, waits
        self._receipt, self._aggregate = wanted

    async def generation(self, name: str) -> int:
        """A projection's live generation, once it has what is wanted."""
        receipt, generation, began = self._receipt, _GUESS, anyio.current_time()
        while True:
            seen = await self._checkpoints.glance(
                name, generation, receipt.partition, self._aggregate
            )
            if seen.live != generation:
                generation = seen.live
                continue
            now = anyio.current_time()
            is_late = now >= self._deadline
            is_reached = seen.applied.position >= receipt.position
            # On the receipt's own branch too: what is lost there is waited for in vain.
            if seen.applied.branch != receipt.branch or (is_late and not is_reached):
                await self._require_history()
            if is_reached:
                await self._require_applied(name, generation, seen)
                self._waits.note(name, now - began)
                return generation
            if is_late:
                raise Behind(_how_far(name, seen, receipt))
            await anyio.sleep(self._waits.pause(name, now - began))

    async def _require_history(self) -> None:
        """Raise `HistoryLost` where what the receipt stands for does not exist any more."""
        receipt = self._receipt
        branches = await self._checkpoints.branches(receipt.partition)
        if branches and not exists(branches, receipt.branch, receipt.position):
            raise HistoryLost(
                f"{receipt} stands for what a server lost: partition {receipt.partition} "
                f"goes on from older data. Submit the command again, with the same id"
            )

    async def _require_applied(self, name: str, generation: int, seen: Glance) -> None:
        """Raise `Parked` where the projection passed over what is wanted.

        Whose outcome it is decides, where that is known; else whose event the receipt names:
        that of a command without events names somebody else's.
        """
        receipt, aggregate = self._receipt, self._aggregate
        if not aggregate:
            aggregate = await self._checkpoints.parked_at(
                name, generation, receipt.partition, receipt.position
            )
        elif not 0 < seen.parked_at <= receipt.position:
            return
        if aggregate:
            raise Parked(
                f"{name} could not apply an event of {aggregate}, and passes over all of them "
                f"since: the view lacks what {self._receipt} stands for. `semel dead show {name} "
                f"{aggregate}` says why; mend it, then `semel dead retry {name} {aggregate}`"
            )


def _how_far(name: str, seen: Glance, receipt: Receipt) -> str:
    missing = receipt.position - seen.applied.position
    events = "1 event" if missing == 1 else f"{missing} events"
    advice = "Is a projection worker running (semel status)?"
    if seen.is_paused:
        advice = f"It is paused: `semel projection resume {name}` has it go on"
    return (
        f"{name} has applied position {seen.applied.position} of partition "
        f"{receipt.partition}; the receipt asks for {receipt.position}, {events} further on. "
        f"{advice}"
    )
