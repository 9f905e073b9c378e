"""A router at work: one partition's log into commands for others, each once.

    read on from the checkpoint → route → note who is parked → send → move the checkpoint

The log is read by position: it has no gaps, so nothing can be missed. Commands are sent before
the checkpoint moves, and what is sent again is known by the marks of the partitions
(`engine.runtime.sending`). So neither a death in between nor a second reader repeats anything.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import islice

import anyio

from engine.core.codec import logged, read_event_meta
from engine.core.errors import NotNow, Refused, Torn
from engine.core.parking import Fault
from engine.core.ports import Feed, ReactionLog
from engine.core.records import Checkpoint, Entry, LoggedEvent
from engine.core.routed import Routing, Wish
from engine.runtime.beginning import branches_here, checked_checkpoint
from engine.runtime.caution import DEATHS_LIMIT, Caution
from engine.runtime.lag import ReactionLag
from engine.runtime.looking_back import indexes_behind
from engine.runtime.patience import Reply, patiently
from engine.runtime.progress import Progress
from engine.runtime.resending import ReactionParking
from engine.runtime.sending import Sender, portions
from engine.runtime.standstill import ReactionStandstill
from engine.settings import Settings
from engine.telemetry import metrics

IDLE_SECONDS = 1.0
"""After this long without an event it is looked what is asked about those who are parked."""

CURE = (
    "Look what followed from that. Then remove the router's key there, {…:P}:reaction:NAME: it "
    "reads the log from its beginning, and knows what was sent"
)
"""What to do where a router has read what was lost since: marks tell what need not be sent."""


class Reaction:
    """One router in one partition, while this process owns it."""

    kind = "reaction"

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        name: str,
        partition: int,
        key: str,
        feed: Feed,
        route: Routing,
        open_log: Callable[[str], ReactionLog],
        server: str,
        settings: Settings,
    ) -> None:
        self._name, self._partition, self._key, self._feed = name, partition, key, feed
        self._route, self._open_log = route, open_log
        self._server, self._settings = server, settings
        self.progress, self._stopping = Progress(counted=True), anyio.Event()
        self._stop: Callable[[], None] | None = None
        self._standstill = ReactionStandstill(name, partition, self.progress, self._stopping)

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping.set()
        if self._stop is not None:
            self._stop()

    async def serve(self, token: str) -> None:
        """Own the partition's log for this router; raises `Fenced`, `Torn` or `Lost`."""
        self._log = self._open_log(token)
        branches = await branches_here(self._log, self._server, self.progress, self._stopping)
        if not branches:
            return
        self._branch = branches[-1].name
        self._reached = await checked_checkpoint(self._log, branches, self._name, CURE)
        self._caution = await self._caution_after(self._reached)
        self._parking = ReactionParking(
            self._name, self._partition, self._route, self._log, branches, self._patiently,
            self._settings, self._stopping.is_set,
        )  # fmt: skip
        await self._parking.load()
        self._sender = Sender(
            self._name, f"{self._name}/{self._partition}", self._log, branches,
            self._reached.position, self._patiently,
        )  # fmt: skip
        await self._sender.begin()
        self._at = self._sender.lowest
        self._indexes = await indexes_behind(self._log, self._at)
        self._subscription = self._feed.subscribe(self._key, f"{self._at}-0")
        self._stop = self._subscription.close
        lag = ReactionLag(self._name, self._partition, self._log, lambda: self._reached.position)
        try:
            async with lag.shown():
                await self._read()
        except NotNow:
            if not self._stopping.is_set():
                raise
        finally:
            self._subscription.close()
            self._standstill.over()
            self._parking.close()

    async def _read(self) -> None:
        """Handle what comes, and between two steps do what is asked about those who are parked."""
        while not self._stopping.is_set():
            entries: list[Entry] | None = []
            with anyio.move_on_after(IDLE_SECONDS):
                entries = await self._subscription.take()
            if entries:
                await self._take(entries)
            if self._at == self._reached.position:
                await self._parking.heed(self._reached)

    async def _take(self, entries: Sequence[Entry]) -> None:
        events = [event for entry in entries if (event := logged(entry)).position > self._at]
        waiting = iter(events)
        size = self._settings.projection_batch_events
        while batch := list(islice(waiting, 1 if self._caution.needed else size)):
            due = self._at + 1
            if [event.position for event in batch] != list(range(due, due + len(batch))):
                raise Torn(f"the log lacks position {due}, or one behind it: semel verify")
            if self._stopping.is_set():
                return
            self.progress.took()
            goes_on = await self._handle(batch)
            self.progress.rests()
            if not goes_on:
                await self._go_back(self._sender.lowest)
                return

    async def _go_back(self, position: int) -> None:
        """Read again behind a position."""
        self._at = position
        self._indexes = await indexes_behind(self._log, position)
        await self._subscription.hold()
        self._subscription.rewind(f"{position}-0")

    async def _handle(self, events: Sequence[LoggedEvent]) -> bool:
        """Send what follows from events; False where they must be read again, or at a stop."""
        if not self._parking.passes_over(events[0]):
            await self._beware(events[0])
        wishes: list[Wish] = []
        for event in events:
            routed = await self._routed(event, self._indexes.of(event))
            if routed is None:
                return False
            wishes += routed
        if self._parking.notes:
            # First: what is behind would else be sent, and the event be taken for sent too.
            await self._move(self._reached)
        last, settings = events[-1], self._settings
        for portion in portions(wishes, settings.batch_commands, settings.batch_bytes):
            if not await self._send(portion, last):
                return False
        if self._sender.lowest < self._at:
            return False
        self._sender.done(last.position)
        self._at = last.position
        if self._at >= self._reached.position:
            entry = read_event_meta(last.meta).entry
            await self._move(Checkpoint(last.position, entry, self._branch))
        await self._moved(len(events))
        return True

    async def _routed(self, event: LoggedEvent, index: int) -> Sequence[Wish] | None:
        """What follows from an event, nothing where its aggregate is parked; None to begin anew.

        One whose route raises is tried a few times, then parked with its aggregate.
        """
        attempts, since = 0, 0.0
        while not self._parking.passes_over(event):
            try:
                return self._route(self._partition, event, index)
            except Exception as error:  # noqa: BLE001 -- the boundary to the routes: reported, tried again
                attempts, since = attempts + 1, since or anyio.current_time()
                if await self._parking.parks(event, error, attempts, since):
                    break
                await self._standstill.wait(attempts, event, error, self._parking.hint)
                if self._stopping.is_set() or await self._parking.is_asked():
                    return None
        return ()

    async def _send(self, wishes: Sequence[Wish], last: LoggedEvent) -> bool:
        """Send commands; False at a stop. A partition that refuses them for good is waited for."""
        attempts = 0
        while not self._stopping.is_set():
            try:
                await self._sender.send(wishes)
            except NotNow:
                return False
            except Refused as error:
                attempts += 1
                await self._standstill.wait(attempts, last, error, "")
            else:
                return True
        return False

    async def _move(self, reached: Checkpoint) -> None:
        """Move the checkpoint, with what was sent and who is parked."""
        sent, notes = self._sender.marks, self._parking.notes
        await self._patiently(partial(self._log.move, self._reached.position, reached, sent, notes))
        self._reached = reached
        self._sender.noted()
        self._parking.noted()

    async def _moved(self, events: int) -> None:
        """Say that a step is done."""
        self.progress.moved(events)
        self._standstill.over()
        metrics.REACTION_EVENTS.labels(self._name).inc(events)
        await self._caution.survived(self._at)

    async def _beware(self, event: LoggedEvent) -> None:
        """Park an event that kills the workers that route it; raises `Torn` if it cannot be."""
        if not await self._caution.condemns(event.position):
            return
        said = f"killed the workers that routed it, {DEATHS_LIMIT} in a row"
        if self._parking.is_full:
            raise Torn(f"position {event.position} ({event.type}) {said}{self._parking.hint}")
        await self._parking.park(event, Fault("Death", said), DEATHS_LIMIT)

    async def _caution_after(self, checkpoint: Checkpoint) -> Caution[int]:
        """How careful this worker must be, after what became of those before it."""
        last = await self._log.head_position()
        return Caution(
            checkpoint.crashes, lambda position: self._log.suspect(str(position)),
            self._log.acquit, lambda position: position >= last,
        )  # fmt: skip

    async def _patiently(self, step: Callable[[], Awaitable[Reply]]) -> Reply:
        return await patiently(step, self.progress, self._stopping.is_set)
