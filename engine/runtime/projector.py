"""The projector: one partition's log into one generation's rows, each event once.

The checkpoint is the truth; the consumer group only says what is read next. On acquiring,
the group is set to the checkpoint, so it does not matter what a former worker had read.
Positions have no gaps, so it is always known which event is next: after a gap, or when
head is ahead and nothing comes, somebody else has read on, and the group is set back.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import islice

import anyio

from engine.core.codec import logged, read_event_meta
from engine.core.errors import NotNow, Refused, Torn
from engine.core.parking import Fault
from engine.core.ports import Log
from engine.core.projecting import projecting
from engine.core.records import Checkpoint, Entry, LoggedEvent, RowChange
from engine.core.registry import Domain
from engine.runtime.beginning import branches_here, trusted_checkpoint
from engine.runtime.build import Build
from engine.runtime.caution import DEATHS_LIMIT, Caution
from engine.runtime.lag import Lag
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from engine.runtime.replay import ProjectionParking
from engine.runtime.standstill import Standstill
from engine.settings import Settings
from engine.telemetry import log, metrics

IDLE_SECONDS = 1.0
"""After this long without an event, head is asked whether there should have been one."""


class Projector:
    """One generation of one projection in one partition, while this process owns it."""

    kind = "projection"

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        build: Build,
        partition: int,
        key: str,
        domain: Domain,
        open_log: Callable[[str], Log],
        server: str,
        settings: Settings,
    ) -> None:
        self._build, self._partition, self._key = build, partition, key
        self._projection = projection = build.projection
        self._project_one = projecting(domain, projection)
        self._open_log, self._server, self._settings = open_log, server, settings
        self.progress, self._stopping = Progress(counted=True), anyio.Event()
        self._stop: Callable[[], None] | None = None
        self._standstill = Standstill(projection.name, partition, self.progress, self._stopping)

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping.set()
        if self._stop is not None:
            self._stop()

    async def serve(self, token: str) -> None:
        """Own the partition's log for this generation; raises `Fenced`, `Torn` or `Lost`."""
        if not await self._build.is_kept():
            return  # it went while we asked for it: nothing may be written to it again
        self._log = self._open_log(token)
        branches = await branches_here(self._log, self._server, self.progress, self._stopping)
        if not branches:
            return
        self._branch = branches[-1].name
        self._reached = await trusted_checkpoint(self._log, branches, self._projection.name)
        self._caution = await self._caution_after(self._reached)
        self._parking = ProjectionParking(
            self._projection.name, self._partition, self._project_one, self._log,
            self._settings, self.progress, self._stopping.is_set,
        )  # fmt: skip
        await self._parking.load()
        await self._log.seek(self._reached.position)
        self._subscription = self._build.feed.subscribe(self._key, "")
        self._stop = self._subscription.close
        self._lag = Lag(self._build, self._partition, self._log, lambda: self._reached.position)
        try:
            async with self._lag.shown():
                await self._read()
        except NotNow:
            if not self._stopping.is_set():
                raise
        finally:
            self._subscription.close()
            self._standstill.over()
            self._parking.close()
            metrics.PROJECTION_MOVED.remove(self._projection.name, self._partition)

    async def _read(self) -> None:
        """Apply what comes, and between two steps do what is asked about those who are parked."""
        while not self._stopping.is_set():
            entries: list[Entry] | None = []
            with anyio.move_on_after(IDLE_SECONDS):
                entries = await self._subscription.take()
            if entries:
                await self._take(entries)
            elif entries is not None and await self._lag.head() > self._reached.position:
                await self._seek()
            await self._parking.heed(self._reached)

    async def _caution_after(self, checkpoint: Checkpoint) -> Caution[int]:
        """How careful this worker must be, after what became of those before it."""
        last = await self._log.head_position()
        return Caution(
            checkpoint.crashes, self._suspect, self._log.acquit, lambda position: position >= last
        )

    def _suspect(self, position: int) -> Awaitable[int]:
        """Note an event; not of other code: what is mended is innocent of what the old one did."""
        return self._log.suspect(f"{position} {self._build.digest}")

    async def _seek(self) -> None:
        """Read on behind the checkpoint, whatever anybody has read."""
        await self._subscription.hold()
        await self._log.seek(self._reached.position)
        self._subscription.rewind("")

    async def _take(self, entries: Sequence[Entry]) -> None:
        """Apply what is next; what was applied before is passed over."""
        at = self._reached.position
        events = [event for entry in entries if (event := logged(entry)).position > at]
        if not events:
            return
        if events[0].position != at + 1 or len(events) != events[-1].position - at:
            log.warning(
                "projection.gap", projection=self._projection.name, partition=self._partition,
                expected=at + 1, found=events[0].position,
            )  # fmt: skip
            await self._seek()
            return
        waiting = iter(events)
        size = self._build.pace.batch(self._settings.projection_batch_events)
        while batch := list(islice(waiting, 1 if self._caution.needed else size)):
            await self._build.pace.turn(self._stopping)
            if self._stopping.is_set():
                return
            self.progress.took()
            began = anyio.current_time()
            is_applied = await self._apply(batch)
            self.progress.rests()
            if not is_applied:
                await self._seek()
                return
            self._build.pace.took(anyio.current_time() - began)

    async def _apply(self, events: Sequence[LoggedEvent]) -> bool:
        """Apply events in one step; False when stopped, or to be read again, before that."""
        if not self._parking.passes_over(events[0]):
            await self._beware(events[0])
        changes: list[RowChange] = []
        for event in events:
            projected = await self._project(event)
            if projected is None:
                return False
            changes += projected
        return await self._write(changes, events)

    async def _beware(self, event: LoggedEvent) -> None:
        """Park an event that kills the workers that apply it; raises `Torn` if it cannot be."""
        if not await self._caution.condemns(event.position):
            return
        said = f"killed the workers that applied it, {DEATHS_LIMIT} in a row"
        if self._parking.is_full:
            raise Torn(
                f"position {event.position} ({event.type} of {event.aggregate}) {said}"
                f"{self._parking.hint}: mend {self._projection.name}, start workers with the "
                f"mended code, and semel projection adopt {self._projection.name}"
            )
        await self._parking.park(event, Fault("Death", said), DEATHS_LIMIT)

    async def _write(self, changes: Sequence[RowChange], events: Sequence[LoggedEvent]) -> bool:
        """Write changes, who is parked and the checkpoint; False as `_apply`.

        A Redis that is full is waited for. What it refuses for good is refused to one event:
        each is written alone then, and that one parked.
        """
        last, attempts, since = events[-1], 0, anyio.current_time()
        reached = Checkpoint(last.position, read_event_meta(last.meta).entry, self._branch)
        while not self._stopping.is_set():
            write = partial(
                self._log.apply, self._reached.position, reached, changes, self._parking.notes
            )
            try:
                await patiently(write, self.progress, self._stopping.is_set)
            except NotNow:
                return False
            except Refused as error:
                if len(events) > 1:
                    return await self._write_each(events)
                attempts += 1
                if await self._parking.parks(last, error, attempts, since):
                    changes = []
                    continue
                await self._standstill.wait(attempts, last, error, self._parking.hint)
                if await self._parking.is_asked():
                    return False
            else:
                await self._moved(reached, len(events))
                return True
        return False

    async def _write_each(self, events: Sequence[LoggedEvent]) -> bool:
        for event in events:
            if not await self._apply([event]):
                return False
        return True

    async def _moved(self, reached: Checkpoint, events: int) -> None:
        """Note that a step is done."""
        self._reached = reached
        self.progress.moved(events)
        self._standstill.over()
        self._parking.noted()
        metrics.count_applied(self._projection.name, self._partition, events)
        await self._caution.survived(reached.position)

    async def _project(self, event: LoggedEvent) -> list[RowChange] | None:
        """One event's changes, none where its aggregate is parked; None to begin anew.

        One that raises is tried a few times, then parked with its aggregate; where no more
        can be, until it can be projected: an event is never skipped without a note.
        """
        attempts, since = 0, 0.0
        while not self._parking.passes_over(event):
            try:
                changes = self._project_one(self._partition, event)
            except Exception as error:  # noqa: BLE001 -- the projector's boundary: reported, tried again
                attempts, since = attempts + 1, since or anyio.current_time()
                if await self._parking.parks(event, error, attempts, since):
                    break
                await self._standstill.wait(attempts, event, error, self._parking.hint)
                if self._stopping.is_set() or await self._parking.is_asked():
                    return None
            else:
                if attempts:
                    log.info(
                        "projection.resumed", projection=self._projection.name,
                        position=event.position,
                    )  # fmt: skip
                return changes
        return []
