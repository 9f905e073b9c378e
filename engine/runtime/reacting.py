"""Reacting to a partition's log: what routers and side effects have in common.

    read on from the checkpoint → handle → move the checkpoint

The log is read by position: it has no gaps, so nothing can be missed. What handling means, and
what makes sure that it is not done twice, is told by `engine.runtime.reaction` and
`engine.runtime.effects`.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice

from engine.core.branches import Branch
from engine.core.codec import logged, read_event_meta
from engine.core.errors import Torn
from engine.core.parking import Fault
from engine.core.ports import Feed, ReactionLog
from engine.core.ports.reacting import NO_MARKS
from engine.core.records import Checkpoint, Entry, LoggedEvent
from engine.runtime.beginning import branches_here, checked_checkpoint
from engine.runtime.caution import DEATHS_LIMIT, Caution
from engine.runtime.follower import Follower
from engine.runtime.lag import ReactionLag
from engine.runtime.looking_back import indexes_behind
from engine.runtime.parking import Parking
from engine.runtime.standstill import ReactionStandstill
from engine.settings import Settings
from engine.telemetry import metrics

CURE = (
    "Look what followed from that. Then remove the router's key there, {…:P}:reaction:NAME: it "
    "reads the log from its beginning, and knows what was sent"
)
"""What to do where a router has read what was lost since: marks tell what need not be sent."""


class Reacting(Follower):
    """One router, or one side effect, in one partition, while this process owns it."""

    kind = "reaction"

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        name: str,
        partition: int,
        key: str,
        feed: Feed,
        open_log: Callable[[str], ReactionLog],
        server: str,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._name, self._partition, self._key, self._feed = name, partition, key, feed
        self._open_log, self._server, self._settings = open_log, server, settings
        self._standstill = ReactionStandstill(name, partition, self.progress, self._stopping)

    @abstractmethod
    async def _begin(self, branches: Sequence[Branch]) -> Parking:
        """Get ready to handle events, with what is known of the past; who is parked is loaded."""

    @abstractmethod
    async def _handle(self, events: Sequence[LoggedEvent]) -> bool:
        """Do what follows from events; False where they must be read again, or at a stop."""

    @property
    def _lowest(self) -> int:
        """Behind which position the log must be read."""
        return self._reached.position

    @property
    def _marks(self) -> Mapping[int, str]:
        """What the next step must say of commands that were sent."""
        return NO_MARKS

    async def serve(self, token: str) -> None:
        """Own the partition's log for this reaction; raises `Fenced`, `Torn` or `Lost`."""
        self._log = self._open_log(token)
        branches = await branches_here(self._log, self._server, self.progress, self._stopping)
        if not branches:
            return
        self._branch = branches[-1].name
        self._reached = await checked_checkpoint(self._log, branches, self._name, CURE)
        self._caution = await self._caution_after(self._reached)
        self._parking = await self._begin(branches)
        self._at = self._lowest
        self._indexes = await indexes_behind(self._log, self._at)
        subscription = self._feed.subscribe(self._key, f"{self._at}-0")
        lag = ReactionLag(self._name, self._partition, self._log, lambda: self._reached.position)
        await self._follow(subscription, lag)

    @property
    def _is_level(self) -> bool:
        return self._at == self._reached.position

    async def _idle(self) -> None:
        """What is read by position is nobody else's to read."""

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
                await self._go_back(self._lowest)
                return

    async def _go_back(self, position: int) -> None:
        """Read again behind a position."""
        self._at = position
        self._restraint.forget()
        self._indexes = await indexes_behind(self._log, position)
        await self._subscription.hold()
        self._subscription.rewind(f"{position}-0")

    async def _move(self, reached: Checkpoint) -> None:
        """Move the checkpoint, with what was sent and who is parked."""
        await self._patiently(
            partial(
                self._log.move, self._reached.position, reached, self._marks, self._parking.notes
            )
        )
        self._wrote(reached)

    async def _move_behind(self, event: LoggedEvent, *, is_nothing: bool = False) -> None:
        """Move the checkpoint behind an event; not at once where nothing was done."""
        reached = Checkpoint(event.position, read_event_meta(event.meta).entry, self._branch)
        if not is_nothing or not self._puts_off(reached):
            await self._move(reached)

    async def _moved(self, events: int) -> None:
        """Say that a step is done."""
        self.progress.moved(events)
        self._standstill.over()
        metrics.REACTION_EVENTS.labels(self._name).inc(events)
        await self._caution.survived(self._at)

    async def _beware(self, event: LoggedEvent) -> None:
        """Park an event that kills the workers that take it up; raises `Torn` if it cannot be."""
        if not await self._caution.condemns(event.position):
            return
        said = f"killed the workers that took it up, {DEATHS_LIMIT} in a row"
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
