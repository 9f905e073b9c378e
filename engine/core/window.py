"""What a partition's owner remembers of the ids that were answered.

The window is the ``outcomes`` stream, read newest first, so that serving can begin before
it is read to its end: an id that carries a time (UUIDv7) cannot have been answered before
it was made. Beyond the window an id with a time is refused, never run again; so for those
the guarantee has no end.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from engine.core.ids import stream_ms, stream_order, uuid7_ms
from engine.core.intake import Received
from engine.core.outcome import Outcome, Status
from engine.core.refusal import Refusal

_YOUNG_SKEWS = 6
"""Outcomes younger than this many skews stay, whatever their number: fresh ids must pass."""

NO_DETAIL: dict[str, Any] = {}
"""One for all that were plainly accepted: a hundred thousand are remembered."""


class First(msgspec.Struct, frozen=True, gc=False):
    """The first outcome of an id."""

    entry: str
    status: Status
    version: int
    position: int
    digest: str
    detail: dict[str, Any]


class Window:
    """The remembered ids of one partition; limits are a number, and ages in seconds."""

    def __init__(self, forgotten: str, keep_count: int, keep_seconds: float, skew: float) -> None:
        self._forgotten_ms = stream_ms(forgotten)
        self._keep_count, self._keep_ms, self._skew_ms = (
            keep_count,
            keep_seconds * 1000,
            skew * 1000,
        )
        self._first: dict[tuple[str, str], First] = {}
        self._repeats: dict[tuple[str, str], int] = {}
        self._order: deque[tuple[str, tuple[str, str] | None]] = deque()
        self.lowest = "+"
        """The oldest outcome loaded so far; all below may be loaded yet."""
        self.complete = False

    def load(self, page: Sequence[Outcome], late: Sequence[Outcome] = (), *, last: bool) -> None:
        """Take the next page of outcomes, newest first; ``last`` when there are none below.

        ``late`` are those that came since the oldest of the page and are not loaded yet: they
        say what became of what was deferred. Older ones belong to a later page.
        """
        self.lowest = page[-1].entry if page else self.lowest
        mixed = sorted((*late, *page), key=_place, reverse=True) if late else page
        for outcome in mixed:
            key = (outcome.aggregate, outcome.id)
            id = outcome.late or outcome.entry
            if outcome.id == outcome.entry or not outcome.digest:
                self._order.appendleft((id, None))
                continue
            self._order.appendleft((id, key))
            self._note(key, _first_of(outcome))
        self.complete = self.complete or last

    def load_waiting(self, received: Received) -> None:
        """Know a command that waits, however long ago its outcome was `deferred`."""
        if received.id != received.entry:
            self._note(
                received.key,
                First(received.entry, Status.DEFERRED, 0, 0, received.digest, NO_DETAIL),
            )

    def _note(self, key: tuple[str, str], first: First) -> None:
        """One more that speaks of an id. The earlier is right, but for one that was deferred."""
        if key in self._first:
            self._repeats[key] = self._repeats.get(key, 0) + 1
            if first.status is Status.DEFERRED:
                return
        self._first[key] = first

    def __len__(self) -> int:
        """How many ids are remembered."""
        return len(self._first)

    def covers(self, received: Received) -> bool:
        """Whether all that could be known of a command's id is loaded."""
        if self.complete or not received.addressed or received.id == received.entry:
            return True
        made = uuid7_ms(received.id)
        if made is None or self.lowest == "+":
            return False
        return made > stream_ms(self.lowest) + self._skew_ms

    def first(self, received: Received) -> First | None:
        """The first outcome of this command's id for its aggregate, if it had one."""
        return self._first.get(received.key)

    def refusal(self, received: Received, first: First | None) -> Refusal | None:
        """What is wrong with a command's id, if anything."""
        if first is not None:
            if first.digest != received.digest:
                return Refusal(
                    "id_reused",
                    f"the id {received.id} was used for {received.aggregate} with other content "
                    f"(entry {first.entry}): a new command needs a new id",
                )
            return None
        made = uuid7_ms(received.id)
        if made is None:
            return None
        if self._forgotten_ms and made <= self._forgotten_ms + self._skew_ms:
            return Refusal(
                "expired", "the id is older than what is remembered: its fate is not known"
            )
        if made > stream_ms(received.entry) + self._skew_ms:
            return Refusal("clock", "the id was made in the future: the sender's clock is ahead")
        return None

    def remember(self, received: Received, first: First | None) -> None:
        """Note an answer; ``first`` is None where it says nothing of the id."""
        key = None
        if first is not None and received.id != received.entry:
            key = received.key
            self._first[key] = first
        self._order.append((received.entry, key))

    def defer(self, received: Received, first: First) -> None:
        """Note that a command waits: its id is remembered for as long, and then by `settle`."""
        if received.id == received.entry:
            self._order.append((received.entry, None))
            return
        self._order.append((received.entry, received.key))
        for _ in ("its outcome", "that it waits"):
            self._note(received.key, first)

    def settle(self, received: Received, late: str, first: First | None) -> None:
        """Note the late outcome of a command that waited; None where it repeats another."""
        key = None if received.id == received.entry else received.key
        self._order.append((late, key))
        if key is not None and first is not None:
            self._first[key] = first

    def repeated(self, received: Received) -> None:
        """Note an answer that repeats the first one: it is remembered for longer."""
        key = received.key
        self._repeats[key] = self._repeats.get(key, 0) + 1
        self._order.append((received.entry, key))

    def entry_before(self, count: int) -> str:
        """The entry that is followed by ``count`` others, or the lowest possible one."""
        return self._order[-count - 1][0] if len(self._order) > count else "0-0"

    def cut(self) -> str:
        """Forget what left the window; returns the first outcome to keep, ``0-0`` for all.

        Of the late ones all of that time are to be kept: they say what became of it.
        """
        if not self.complete or not self._order:
            return "0-0"
        newest = stream_ms(self._order[-1][0])
        while len(self._order) > 1:
            entry, key = self._order[0]
            made = stream_ms(entry)
            age = newest - made
            crowded = len(self._order) > self._keep_count and age > _YOUNG_SKEWS * self._skew_ms
            if not crowded and age <= self._keep_ms:
                break
            self._order.popleft()
            self._forgotten_ms = max(self._forgotten_ms, made)
            if key is not None:
                self._forget(key)
        return self._order[0][0]

    def _forget(self, key: tuple[str, str]) -> None:
        """One outcome of an id left the window; with the last one its first is forgotten."""
        left = self._repeats.pop(key, 0) - 1
        if left < 0:
            del self._first[key]
        elif left > 0:
            self._repeats[key] = left


def _place(outcome: Outcome) -> tuple[int, int]:
    return stream_order(outcome.late or outcome.entry)


def _first_of(outcome: Outcome) -> First:
    """An outcome as the first of its id; a duplicate repeats its first."""
    if outcome.status is not Status.DUPLICATE:
        detail = outcome.detail or NO_DETAIL
        return First(
            outcome.entry, outcome.status, outcome.version, outcome.position, outcome.digest, detail
        )
    said = dict(outcome.detail["first"])
    entry, status = said.pop("entry"), Status(said.pop("status"))
    return First(entry, status, said.pop("version"), said.pop("position"), outcome.digest, said)
