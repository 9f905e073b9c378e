"""The projector: one partition's log into one generation's rows, each event once.

The checkpoint is the truth; the consumer group only says what is read next. On acquiring,
the group is set to the checkpoint, so it does not matter what a former worker had read.
Positions have no gaps, so it is always known which event is next: after a gap, or when
head is ahead and nothing comes, somebody else has read on, and the group is set back.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import anyio

from engine.core.branches import Branch, exists
from engine.core.codec import logged, read_event_meta
from engine.core.errors import NotNow, Refused, SemelError, Torn
from engine.core.ports import Feed, Log
from engine.core.projecting import projecting
from engine.core.projection import Projection
from engine.core.records import Checkpoint, Entry, LoggedEvent, RowChange
from engine.core.registry import Domain
from engine.core.signatures import code_digest
from engine.runtime.caution import Caution
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from engine.settings import Settings
from engine.telemetry import log, metrics

IDLE_SECONDS = 1.0
"""After this long without an event, head is asked whether there should have been one."""

OWNER_SECONDS = 0.1
"""How often it is asked whether an owner has noted this server."""

_BLOCKED_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before an event that could not be projected is tried again; the last one repeats."""


class Projector:
    """One generation of one projection in one partition, while this process owns it."""

    kind = "projection"

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        projection: Projection[Any],
        partition: int,
        key: str,
        domain: Domain,
        feed: Feed,
        open_log: Callable[[str], Log],
        server: str,
        settings: Settings,
    ) -> None:
        self._projection, self._partition = projection, partition
        self._key, self._feed = key, feed
        self._project_one = projecting(domain, projection)
        self._open_log, self._server, self._settings = open_log, server, settings
        self.progress = Progress()
        self._stop: Callable[[], None] | None = None
        self._stopping = anyio.Event()
        self._stands_still = False

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping.set()
        if self._stop is not None:
            self._stop()

    async def serve(self, token: str) -> None:
        """Own the partition's log for this generation; raises `Fenced`, `Torn` or `Lost`."""
        self._log = self._open_log(token)
        branches = await self._branches_here()
        if not branches:
            return
        self._branch = branches[-1].name
        checkpoint = await self._trusted_checkpoint(branches)
        self._position = checkpoint.position
        self._caution = await self._caution_after(checkpoint)
        await self._log.seek(self._position)
        self._subscription = self._feed.subscribe(self._key, "")
        self._stop = self._subscription.close
        self._mark(stands_still=False)
        try:
            while not self._stopping.is_set():
                entries: list[Entry] | None = []
                with anyio.move_on_after(IDLE_SECONDS):
                    entries = await self._subscription.take()
                if entries:
                    await self._take(entries)
                elif entries is not None and await self._log.head_position() > self._position:
                    await self._seek()
        finally:
            self._subscription.close()
            self._mark(stands_still=False)
            metrics.PROJECTION_MOVED.remove(self._projection.name, self._partition)

    async def _branches_here(self) -> Sequence[Branch]:
        """The log's branches, once an owner has noted the server that we see; none if stopped.

        Until then nobody knows whether this server has the history that we have seen.
        """
        while not self._stopping.is_set():
            branches = await self._log.branches()
            if branches and branches[-1].server == self._server:
                self.progress.rests()
                return branches
            self.progress.trouble = "waits for an engine to own the partition on this server"
            with anyio.move_on_after(OWNER_SECONDS):
                await self._stopping.wait()
        return ()

    async def _trusted_checkpoint(self, branches: Sequence[Branch]) -> Checkpoint:
        """The checkpoint, if its branch still exists so far, and the event it stands on.

        Raises `Torn` where what was applied is not in the log any more.
        """
        checkpoint = await self._log.checkpoint()
        position, found = checkpoint.position, "nothing"
        if position > 0:
            event = await self._log.event_at(position)
            if event is not None:
                found = read_event_meta(event.meta).entry
            if found != checkpoint.command or not exists(branches, checkpoint.branch, position):
                raise Torn(
                    f"{self._projection.name} has applied position {position} of command "
                    f"{checkpoint.command} on branch {checkpoint.branch}, and the log has {found} "
                    f"there, on branch {self._branch}: history was lost. The projection must be "
                    f"built anew: docs/operations.md says how"
                )
        return checkpoint

    async def _caution_after(self, checkpoint: Checkpoint) -> Caution[int]:
        """How careful this worker must be, after what became of those before it."""
        last = await self._log.head_position()
        code = code_digest(self._projection.on)
        # Mended code is innocent of what the code before it did.
        return Caution(
            checkpoint.crashes, lambda position: self._log.suspect(f"{position} {code}"),
            self._log.acquit, past=lambda position: position >= last,
        )  # fmt: skip

    async def _seek(self) -> None:
        """Read on behind the checkpoint, whatever anybody has read."""
        await self._log.seek(self._position)
        self._subscription.rewind("")

    async def _take(self, entries: Sequence[Entry]) -> None:
        """Apply what is next; what was applied before is passed over."""
        events = [event for entry in entries if (event := logged(entry)).position > self._position]
        if not events:
            return
        if events[0].position != self._position + 1 or len(events) != (
            events[-1].position - self._position
        ):
            log.warning(
                "projection.gap", projection=self._projection.name, partition=self._partition,
                expected=self._position + 1, found=events[0].position,
            )  # fmt: skip
            await self._seek()
            return
        self.progress.took()
        waiting = iter(events)
        size = 1 if self._caution.needed else self._settings.projection_batch_events
        while batch := list(islice(waiting, size)):
            await self._apply(batch)
        self.progress.rests()

    async def _apply(self, events: Sequence[LoggedEvent]) -> None:
        if await self._caution.condemns(events[0].position):
            raise Torn(
                f"position {events[0].position} ({events[0].type} of {events[0].aggregate}) killed "
                f"the workers that applied it, again and again: mend {self._projection.name}, and "
                f"start workers with the mended code"
            )
        changes: list[RowChange] = []
        for event in events:
            projected = await self._project(event)
            if projected is None:
                return
            changes += projected
        if await self._write(changes, events[-1]):
            metrics.count_applied(self._projection.name, self._partition, len(events))
            await self._caution.survived(events[-1].position)

    async def _write(self, changes: Sequence[RowChange], last: LoggedEvent) -> bool:
        """Write changes and the checkpoint behind ``last``; False when stopped before that.

        A Redis that is full is waited for; what it refuses for good blocks, and says so.
        """
        reached = Checkpoint(last.position, read_event_meta(last.meta).entry, self._branch)
        write = partial(self._log.apply, self._position, reached, changes)
        attempts = 0
        while not self._stopping.is_set():
            try:
                await patiently(write, self.progress, self._stopping.is_set)
            except NotNow:
                return False
            except Refused as error:
                attempts += 1
                await self._wait_blocked(attempts, last, error)
            else:
                self._position = last.position
                self.progress.moved()
                self._mark(stands_still=False)
                return True
        return False

    async def _project(self, event: LoggedEvent) -> list[RowChange] | None:
        """One event's changes; None when stopped before it could be projected.

        One that raises is tried until it can be: an event is never skipped.
        """
        attempts = 0
        while True:
            try:
                changes = self._project_one(self._partition, event)
            except Exception as error:  # noqa: BLE001 -- the projector's boundary: reported, tried again
                attempts += 1
                await self._wait_blocked(attempts, event, error)
                if self._stopping.is_set():
                    return None
                continue
            if attempts:
                log.info(
                    "projection.resumed", projection=self._projection.name, position=event.position
                )
            return changes

    async def _wait_blocked(self, attempts: int, event: LoggedEvent, error: Exception) -> None:
        """Say what stands still and why, and wait before the next attempt."""
        self.progress.trouble = f"position {event.position}: {type(error).__name__}: {error}"
        self._mark(stands_still=True)
        log.error(
            "projection.blocked", projection=self._projection.name, partition=self._partition,
            position=event.position, type=event.type, aggregate=event.aggregate,
            error=f"{type(error).__name__}: {error}", attempts=attempts,
            exc_info=None if isinstance(error, SemelError) else error,
        )  # fmt: skip
        with anyio.move_on_after(_BLOCKED_SECONDS[min(attempts, len(_BLOCKED_SECONDS)) - 1]):
            await self._stopping.wait()

    def _mark(self, *, stands_still: bool) -> None:
        """Note whether this partition is one that stands still."""
        blocked = metrics.PROJECTION_BLOCKED.labels(self._projection.name)
        blocked.inc(stands_still - self._stands_still)
        self._stands_still = stands_still
