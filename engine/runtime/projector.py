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
from engine.core.generations import BUILDING
from engine.core.parking import Fault
from engine.core.ports import Log
from engine.core.ports.reading import NO_NOTES
from engine.core.projecting import projecting
from engine.core.records import Checkpoint, Entry, LoggedEvent, RowChange
from engine.core.registry import Domain
from engine.runtime.beginning import branches_here, trusted_checkpoint
from engine.runtime.build import Build
from engine.runtime.caution import DEATHS_LIMIT, Caution
from engine.runtime.follower import Follower
from engine.runtime.lag import Lag
from engine.runtime.replay import ProjectionParking
from engine.runtime.standstill import Standstill
from engine.settings import Settings
from engine.telemetry import log, metrics


class Projector(Follower):
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
        super().__init__()
        self._build, self._partition, self._key = build, partition, key
        self._projection = projection = build.projection
        self._project_one = projecting(domain, projection)
        self._open_log, self._server, self._settings = open_log, server, settings
        self._standstill = Standstill(projection.name, partition, self.progress, self._stopping)

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
        self._lag = Lag(self._build, self._partition, self._log, lambda: self._reached.position)
        try:
            await self._follow(self._build.feed.subscribe(self._key, ""), self._lag)
        finally:
            metrics.STEPS.forget(self._projection.name, self._partition)

    @property
    def _is_level(self) -> bool:
        return self._restraint.put_off is None

    async def _idle(self) -> None:
        """Look whether somebody else has read what is next."""
        if await self._lag.head() > self._reached.position:
            await self._seek()

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
        self._restraint.forget()
        self._subscription.rewind("")

    async def _take(self, entries: Sequence[Entry]) -> None:
        """Apply what is next; what was applied before is passed over."""
        at = (self._restraint.put_off or self._reached).position
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
        if not changes and self._puts_off(reached):
            self._count(len(events))
            return True
        while not self._stopping.is_set():
            write = partial(
                self._log.apply, self._reached.position, reached, changes, self._parking.notes
            )
            try:
                await self._patiently(write)
            except NotNow:
                return False
            except Refused as error:
                if len(events) > 1:
                    return await self._write_each(events)
                attempts += 1
                if await self._parking.parks(last, error, attempts, since):
                    changes = []
                    continue
                await self._stand_still(attempts, last, error)
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

    def _puts_off(self, reached: Checkpoint) -> bool:
        """As everybody; but one that is built must be level with the live one to take its place."""
        return self._build.stage != BUILDING and super()._puts_off(reached)

    async def _move(self, reached: Checkpoint) -> None:
        await self._patiently(
            partial(self._log.apply, self._reached.position, reached, [], NO_NOTES)
        )
        await self._moved(reached, 0)

    async def _moved(self, reached: Checkpoint, events: int) -> None:
        """Note that a step is done, and written."""
        self._wrote(reached)
        self._count(events)
        await self._caution.survived(reached.position)

    def _count(self, events: int) -> None:
        self.progress.moved(events)
        self._standstill.over()
        metrics.STEPS.count(self._projection.name, self._partition, events)

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
                await self._stand_still(attempts, event, error)
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
