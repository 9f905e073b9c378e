"""What becomes of commands that wait: tried again, decided late, or given up.

Nothing here commits: what is found out goes into a draft, which the partition loop makes
true as it does with everything. What is tried again has its times from here, by the loop's
own clock; by Redis's clock it is known since when a command waits, whoever owned it then.
"""

from collections import deque
from collections.abc import Container
from random import random

import anyio
import msgspec

from engine.core.draft import REPEAT, Answer, Draft, Repeat, refused
from engine.core.errors import Torn
from engine.core.intake import Intake, Received
from engine.core.outcome import Status
from engine.core.ports import Ledger, Subscription
from engine.core.records import Entry
from engine.core.retry import Retry, pause
from engine.core.waiting import (
    ATTEMPTS,
    BEHIND,
    BUSY,
    Deferral,
    Guest,
    Queue,
    Room,
    in_order,
    read_kept,
)
from engine.core.window import Window
from engine.runtime.attempt import Attempt, Attempts
from engine.runtime.faults import failed, given_up
from engine.settings import Settings
from engine.telemetry import log, metrics

PAUSE_LIMIT_SECONDS = 30.0
"""The longest pause between two attempts: a service that is back is noticed within it."""


ROUND = 32
"""Queues looked at before commands that came get their turn again: each may be decided here."""


class WaitingRoom:
    """The commands of one partition that wait, while this process owns it."""

    def __init__(
        self, partition: int, window: Window, attempts: Attempts, settings: Settings
    ) -> None:
        self._partition, self._window = partition, window
        self._attempts, self._settings = attempts, settings
        self._retry = Retry(
            attempts=settings.retry_attempts, seconds=settings.retry_seconds,
            decide_seconds=settings.decide_seconds,
        )  # fmt: skip
        self._room = Room(settings.waiting_per_aggregate, settings.waiting_per_partition)
        self._over: deque[Attempt] = deque()
        self._rest = anyio.CancelScope()
        attempts.over = self._hear
        self._ahead_ms = 0.0
        """By how much Redis's clock is ahead of the loop's own."""

    async def load(self, ledger: Ledger, intake: Intake) -> None:
        """Know who waits, before anything is decided; raises `Torn` where that is not readable."""
        self._ahead_ms = await ledger.now_ms() - anyio.current_time() * 1000
        for id, raw in in_order(await ledger.waiting()):
            try:
                entry, kept = read_kept(id, raw)
            except msgspec.DecodeError as error:
                raise Torn(f"what is kept of the waiting command {id} is not readable") from error
            received = intake.receive(entry)
            self._window.load_waiting(received)
            guest = Guest(entry, received, kept.since_ms, kept.tries, kept.error)
            self._room.admit(guest, anyio.current_time())
        self._count()

    @property
    def is_crowded(self) -> bool:
        """Whether as many wait as may."""
        return self._room.is_crowded

    @property
    def closed(self) -> Container[str]:
        """The aggregates of which a command waits."""
        return self._room.queues

    def is_spent(self, command: Received, tries: int, seconds: float) -> bool:
        """Whether a command was tried often or long enough."""
        return self._limits(command).is_spent(tries, seconds)

    def place(self, draft: Draft, entry: Entry, command: Received, why: Repeat | Deferral) -> None:
        """Add a command without an answer: it waits, if there is room, or repeats another."""
        if isinstance(why, Repeat):
            if not self._repeats_one_that_waits(command):
                draft.add(command, REPEAT)
                return
            why = BEHIND
        if self._room.is_full_for(command.aggregate) and "/" not in command.id:
            metrics.COMMANDS_BUSY.inc()
            draft.add(command, refused(BUSY, of_id=False))
            return
        guest = Guest(entry, command, self._now_ms())
        attempt = self._attempts.at(command.entry)
        if why.code in ATTEMPTS:
            due = self._tried_in_vain(guest, why)
        else:
            due = self._ends(attempt) if attempt is not None else anyio.current_time()
        self._room.admit(guest, due)
        draft.defer(command, why.detail(), guest.kept())
        metrics.COMMANDS_DEFERRED.labels(why.code).inc()
        self._count()

    async def take(self, subscription: Subscription) -> list[Entry] | None:
        """The next commands; none when something that waits is to be looked at first."""
        if not self._room.count:
            return await subscription.take()  # a scope is a twentieth of a command
        with anyio.CancelScope(deadline=self._next_due()) as self._rest:
            return await subscription.take()
        return []

    async def rest(self) -> None:
        """Until something that waits is to be looked at."""
        with anyio.CancelScope(deadline=self._next_due()) as self._rest:
            await anyio.sleep_forever()

    def wake(self) -> None:
        """End a rest."""
        self._rest.cancel()

    def due(self, count: int = ROUND) -> list[Queue]:
        """The queues whose first command is to be looked at now, up to ``count``."""
        if not self._room.count:
            self._over.clear()
            return []
        now = anyio.current_time()
        while self._over:
            attempt = self._over.popleft()
            queue = self._room.queues.get(attempt.received.aggregate)
            if queue is not None and self._attempts.at(attempt.received.entry) is attempt:
                self._room.call(queue, now)
        return list(self._room.due(now, count))

    async def take_up(self, queue: Queue, draft: Draft, *, alone: bool) -> None:
        """See to the first of a queue: whether it is decided, or given up, or waits on.

        ``alone``: to the end of its decider, so that nothing else is done at the same time.
        """
        guest = queue.guests[0]
        answer = await self._answer(guest, alone=alone)
        if isinstance(answer, Attempt):
            self._room.call(queue, self._ends(answer))
            return
        if isinstance(answer, Deferral):
            due = self._tried_in_vain(guest, answer)
            if not self.is_spent(guest.received, guest.tries, self._seconds(guest)):
                draft.try_again(guest.entry.id, guest.kept())
                self._room.call(queue, due)
                return
            answer = given_up(guest.received, answer)
        draft.settle(guest.received, answer)
        if isinstance(answer, Answer) and answer.status is Status.FAILED:
            draft.bury(guest.entry, answer, max(1, guest.tries))
        self._room.dismiss(queue)
        if queue.guests:
            self._room.call(queue, anyio.current_time())
        self._count()

    async def _answer(self, guest: Guest, *, alone: bool) -> Answer | Repeat | Deferral | Attempt:
        """What is known of a command by now; the attempt while its decider is at it."""
        command, attempt = guest.received, self._attempts.at(guest.entry.id)
        if attempt is None:
            answer = self._known(command) or self._attempts.begin(command)
            if not isinstance(answer, Attempt):
                return answer
            attempt = answer
        if alone:
            await attempt.wait(self._ends(attempt))
        if attempt.is_over.is_set():
            return self._attempts.finish(attempt)
        if anyio.current_time() < self._ends(attempt):
            return attempt
        self._attempts.give_up(attempt)
        guest.tries += 1
        seconds = self._limits(command).decide_seconds
        return failed(command, "too_slow", f"its decider took more than {seconds:g} s")

    def _known(self, command: Received) -> Answer | Repeat | None:
        """The answer to a command that need not be decided (any more)."""
        first = self._window.first(command)
        if first is not None and first.status is not Status.DEFERRED:
            return REPEAT
        if command.broken is not None:
            return failed(command, *command.broken)
        return None if command.refusal is None else refused(command.refusal)

    def _repeats_one_that_waits(self, command: Received) -> bool:
        """Whether the first of a repeated id is not decided, or was not taken for want of room."""
        first = self._window.first(command)
        if first is None:
            is_fine = self._window.refusal(command, None) is None
            return is_fine and command.aggregate in self.closed
        return first.status is Status.DEFERRED and first.digest == command.digest

    def _tried_in_vain(self, guest: Guest, why: Deferral) -> float:
        """Note an attempt; returns when the next one is due."""
        if not guest.tries:
            guest.since_ms = self._now_ms()
            log.warning(
                "command.deferred", command=guest.received.id, aggregate=guest.received.aggregate,
                type=type(guest.received.command).__name__, error=why.message,
            )  # fmt: skip
        guest.tries, guest.error = guest.tries + 1, why.message
        luck = random()  # noqa: S311 -- spreads attempts, and guards no secret
        seconds = pause(guest.tries, self._settings.retry_pause_seconds, PAUSE_LIMIT_SECONDS, luck)
        left = (self._limits(guest.received).seconds or 0.0) - self._seconds(guest)
        return anyio.current_time() + min(seconds, max(0.0, left))

    def _limits(self, command: Received) -> Retry:
        return command.handler.retry.over(self._retry) if command.handler else self._retry

    def _ends(self, attempt: Attempt) -> float:
        """When an attempt has to be over."""
        return attempt.began + (self._limits(attempt.received).decide_seconds or 0.0)

    def _seconds(self, guest: Guest) -> float:
        """For how long a command has been tried."""
        return (self._now_ms() - guest.since_ms) / 1000

    def _now_ms(self) -> int:
        """Redis's clock, as far as it is known here."""
        return int(anyio.current_time() * 1000 + self._ahead_ms)

    def _next_due(self) -> float:
        return anyio.current_time() if self._over else self._room.next_due

    def _hear(self, attempt: Attempt) -> None:
        self._over.append(attempt)
        self.wake()

    def _count(self) -> None:
        metrics.COMMANDS_WAITING.labels(self._partition).set(self._room.count)
