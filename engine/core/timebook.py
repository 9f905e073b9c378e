"""What a partition's owner makes of its timers: the writes of its commits, and who still stands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import NamedTuple

import msgspec

from engine.core.errors import Rejected
from engine.core.firing import SOURCE, Fired, Timer, TimerWrite, timer_key
from engine.core.ids import stream_ms
from engine.core.inside import inside_id
from engine.core.intake import Received
from engine.core.refusal import Refusal
from engine.core.registry import Domain
from engine.core.timers import CancelTimer, SetTimer, TimerChange

_MS = timedelta(milliseconds=1)

SOON_MS = 1000
"""A timer that is due sooner follows from the command that set it, as what a router sends does:
commands that set each other so are counted. One that is due later is a clock, and begins anew: a
reminder every day must go on for ever, and whoever waits a second each time overruns nobody."""


class TimerLimits(NamedTuple):
    """How far away a timer may be, how many of what size a command may set, how deep one may be."""

    ahead: timedelta
    timers: int
    timer_bytes: int
    depth: int


class TimerBook:
    """One owner's, for as long as its acquisition."""

    def __init__(self, secret: bytes, domain: Domain, limits: TimerLimits) -> None:
        self._secret, self._domain, self._limits = secret, domain, limits
        self._standing: dict[str, str] = {}

    def open(self, standing: Mapping[str, str]) -> None:
        """These are the numbers of timers that have fired and stand, by key, before a batch."""
        self._standing = dict(standing)

    def stale(self, fired: Fired) -> Refusal | None:
        """The answer to a timer's command where the timer does not stand any more."""
        if self._standing.get(fired.key) == fired.number:
            return None
        return Refusal(
            "stale_timer",
            f"the timer {fired.name!r} of {fired.aggregate} was replaced or cancelled after it had "
            f"fired (number {fired.number})",
        )

    def endless(self, received: Received, changes: Sequence[TimerChange]) -> str:
        """Why a command must not set its timers: too many have followed from one another.

        Empty where it may.
        """
        if received.meta.depth < self._limits.depth:
            return ""
        came = stream_ms(received.entry)
        names = [
            change.name
            for change in changes
            if isinstance(change, SetTimer) and self._due(received, change) - came < SOON_MS
        ]
        if not names:
            return ""
        return (
            f"the timer {names[0]!r} of {received.aggregate} would send number "
            f"{received.meta.depth + 1} of commands that follow from one another, and "
            f"{self._limits.depth} may (causation_depth): does it set itself for ever?"
        )

    def writes(self, received: Received, changes: Sequence[TimerChange]) -> tuple[TimerWrite, ...]:
        """What the commit of a command must do for these changes; raises `Rejected`.

        Of several changes to one name the last one holds. Raises `TypeError` for a timer whose
        command this kind of aggregate does not take.
        """
        last = {change.name: change for change in changes}
        writes = tuple(self._write(received, change) for change in last.values())
        size = sum(len(write.timer.data) for write in writes if write.timer)
        if len(writes) > self._limits.timers or size > self._limits.timer_bytes:
            raise Rejected(
                "too_large",
                f"{len(writes)} timers of {size} bytes would be set or cancelled; at most "
                f"{self._limits.timers} timers and {self._limits.timer_bytes} bytes may",
            )
        return writes

    def note(self, writes: Iterable[TimerWrite]) -> None:
        """This was decided: of timers that have fired, those that it is about stand no more."""
        for write in writes:
            self._standing.pop(write.key, None)

    def _write(self, received: Received, change: TimerChange) -> TimerWrite:
        key = timer_key(received.aggregate, change.name)
        if isinstance(change, CancelTimer):
            return TimerWrite(key)
        command, number = change.command, received.entry
        self._require_taken(received, change)
        id = inside_id(self._secret, SOURCE, f"{key}/{number}")
        due = self._due(received, change)
        meta = _meta(received, is_soon=due - stream_ms(received.entry) < SOON_MS)
        return TimerWrite(key, Timer(
            number, due, id, type(command).__name__, received.aggregate,
            command.model_dump_json(), meta,
        ))  # fmt: skip

    def _require_taken(self, received: Received, change: SetTimer) -> None:
        sent, ours = self._domain.commands.get(type(change.command).__name__), received.handler
        if ours is None or sent is None or sent.decider is not ours.decider:
            raise TypeError(
                f"the timer {change.name!r} sends {type(change.command).__name__}, which the "
                f"decider of {received.aggregate} does not take"
            )

    def _due(self, received: Received, change: SetTimer) -> int:
        """When a timer is due, in ms since 1970, rounded up; raises `Rejected`."""
        came = stream_ms(received.entry)
        if change.at is not None:
            due = ceil(change.at.timestamp() * 1000)
        else:
            due = came + ceil((change.after or timedelta()) / _MS)
        if due - came > self._limits.ahead / _MS:
            raise Rejected(
                "timer_too_far",
                f"the timer {change.name!r} would be due in {(due - came) // 86_400_000} days; at "
                f"most {self._limits.ahead.days} are allowed (timer_limit_days)",
            )
        return max(due, 0)


def _meta(received: Received, *, is_soon: bool) -> str:
    """What a timer's command says of itself: what the command said that set it.

    Without a correlation that one's id is it, as with what routers send. One that is due soon
    counts how many commands led to it.
    """
    meta = received.meta
    said = {
        "user": meta.user,
        "correlation": meta.correlation or received.id,
        "traceparent": meta.traceparent,
        "depth": meta.depth + 1 if is_soon else None,
    }
    kept = {name: value for name, value in said.items() if value is not None}
    return msgspec.json.encode({**kept, **meta.extra}).decode()
