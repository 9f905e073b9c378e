"""What happened to an aggregate, and what it is replayed with."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import anyio
import msgspec

from engine.core.codec import encode, event_meta, of_version, time_of
from engine.core.firing import Timer
from engine.core.intake import Intake
from engine.core.messages import NO_META
from engine.core.outcome import Outcome, Status
from engine.core.records import Entry, StoredEvent
from engine.core.registry import Domain
from engine.core.replay.replay import Difference, Replay, Told
from engine.core.timebook import TimerBook, TimerLimits
from tests.grown import paid_in

TILL = "till-1"


class Story:
    """What happened to a till, as one version of the code did it."""

    def __init__(self, version: int = 1) -> None:
        self._version = version
        self.history: list[StoredEvent] = []
        self.told: list[Told] = []

    def pay(self, cents: int, *, kept: bool = True, meta: dict[str, Any] | None = None) -> "Story":
        entry = f"{len(self.told) + len(self.history) + 1}-0"
        about = event_meta("c", entry, time_of(0), NO_META)
        if self._version > 1:
            about = of_version(about, self._version)
        data = encode(paid_in(self._version, cents))
        self.history.append(StoredEvent(len(self.history) + 1, "Paid", data, about))
        if kept:
            self.answer("Pay", {"cents": cents}, entry=entry, meta=meta)
        return self

    def answer(  # noqa: PLR0913 -- an outcome in all its aspects
        self, kind: str, data: dict[str, Any] | bytes, status: str = "accepted", code: str = "", *,
        entry: str = "", meta: dict[str, Any] | None = None, digest: str = "d",
    ) -> "Story":  # fmt: skip
        """A command, with the answer that it got where the story stands."""
        entry = entry or f"{len(self.told) + len(self.history) + 100}-0"
        raw = data if isinstance(data, bytes) else msgspec.json.encode(data)
        fields = {b"type": kind.encode(), b"aggregate": TILL.encode(), b"data": raw}
        if meta:
            fields[b"meta"] = msgspec.json.encode(meta)
        detail = {"code": code, "message": "then"} if code else {}
        outcome = Outcome(
            entry, entry, Status(status), TILL, len(self.history), 0, 0, "b", digest, detail
        )
        self.told.append(Told(Entry(entry, fields), outcome))
        return self

    def standing(self, **timers: Timer) -> "Story":
        """These timers of the last command have not been handled."""
        self.told[-1] = self.told[-1]._replace(timers=timers)
        return self

    async def replayed(self, domain: Domain, aggregate: str = TILL) -> Replay:
        book = TimerBook(b"secret", domain, TimerLimits(timedelta(days=400), 100, 1_000_000, 32))
        replay = Replay(domain, Intake(domain, 0, 1, b"secret", 1_000_000), _limited, book)
        await replay.take(aggregate, self.history, self.told)
        return replay


async def _limited(deciding: Awaitable[Any]) -> Any:
    with anyio.fail_after(0.01):
        return await deciding


async def differences(story: Story, domain: Domain) -> list[Difference]:
    return (await story.replayed(domain)).differences
