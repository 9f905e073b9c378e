"""Recurring schedules: whoever has the lease submits each occurrence when it is due.

The lease sees to it that one process does it, and not that it is done once: the mark does,
which is compared and moves with the command in one step. So who wakes up late and submits
again is told that it was done.
"""

from collections.abc import Mapping
from functools import partial

import anyio

from engine.core.errors import Torn
from engine.core.ports import Occurrences, Session
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.core.schedules import Mark, Recurring
from engine.runtime.leases import Group
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from engine.telemetry import log

SLEEP_SECONDS = 10.0
"""Between two looks at Redis's clock at the most: clocks drift apart, and are set."""

LEAST_SECONDS = 0.001
"""Redis's clock is read in whole milliseconds: who is early by a part of one sleeps again."""

LATE_SECONDS = 60.0
"""An occurrence submitted later than this after its time was missed, and is made up for."""


def schedule_groups(session: Session, domain: Domain) -> dict[str, Group]:
    """One lease for each schedule, for every engine whose code has it."""
    return {
        recurring.source: {
            session.schedule_lease(name): partial(
                Scheduler, recurring, session.occurrences, session.partitions, session.secret
            )
        }
        for name, recurring in domain.schedules.items()
    }


class Scheduler:
    """One schedule, while this process has its lease."""

    kind = "schedule"

    def __init__(
        self, recurring: Recurring, occurrences: Occurrences, partitions: int, secret: bytes
    ) -> None:
        self._recurring, self._occurrences, self._secret = recurring, occurrences, secret
        self._home = partition_of(recurring.schedule.aggregate, partitions)
        self.progress = Progress()
        self._stopping = False
        self._sleep: anyio.CancelScope | None = None

    def stop(self) -> None:
        """Submit no more."""
        self._stopping = True
        if self._sleep is not None:
            self._sleep.cancel()

    async def serve(self, token: str) -> None:  # noqa: ARG002 -- the mark is the fence
        """Submit what is due until stopped; raises `Lost`."""
        recurring = self._recurring
        found = await self._occurrences.mark(self._home, recurring.source)
        while not self._stopping:
            mark, now = self._read(found), await self._occurrences.now_ms()
            if mark.times != recurring.times:
                found = await self._move(found, now, None)
            elif (due := recurring.latest_ms(mark.at_ms, now)) is not None:
                found = await self._move(found, due, recurring.command(self._secret, due))
                if now - due > LATE_SECONDS * 1000:
                    late = round((now - due) / 1000)
                    log.warning("schedule.late", schedule=recurring.source, late_seconds=late)
            else:
                left = (recurring.next_ms(mark.at_ms) - now) / 1000
                with anyio.CancelScope() as self._sleep:
                    await self._occurrences.sleep(max(LEAST_SECONDS, min(left, SLEEP_SECONDS)))

    def _read(self, text: str) -> Mark:
        try:
            return Mark.read(text)
        except ValueError as error:
            source = self._recurring.source
            raise Torn(f"{source} has a mark that no schedule writes: {text!r}") from error

    async def _move(self, expected: str, at_ms: int, command: Mapping[str, bytes] | None) -> str:
        """Submit an occurrence, or only begin to count where there is none; the mark then."""
        source, mark = self._recurring.source, str(Mark(at_ms, self._recurring.times))
        submit = partial(
            self._occurrences.submit, self._home, source, expected, mark, command
        )  # fmt: skip
        self.progress.took()
        found = await patiently(submit, self.progress, lambda: self._stopping)
        self.progress.moved()
        self.progress.rests()
        return found
