"""Following one partition's log: what projectors and reactions have in common.

    take what comes → do it → heed what is asked about those who are parked

A follower has a lease for its partition and a checkpoint, which it moves behind what it has done.
What doing means is told by `engine.runtime.projector` and `engine.runtime.reacting`.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence

import anyio

from engine.core.errors import NotNow
from engine.core.ports import Subscription
from engine.core.records import Checkpoint, Entry, LoggedEvent
from engine.runtime.caution import Caution
from engine.runtime.lag import LogLag
from engine.runtime.parking import Parking
from engine.runtime.patience import Reply, patiently
from engine.runtime.progress import Progress
from engine.runtime.restraint import Restraint
from engine.runtime.standstill import Standstill

IDLE_SECONDS = 1.0
"""After this long without an event it is looked whether all is well, and what is asked."""


class Follower(ABC):
    """One reader of one partition's log, while this process owns that."""

    _standstill: Standstill
    _caution: Caution[int]
    _parking: Parking
    _reached: Checkpoint
    """The checkpoint as it is written."""

    def __init__(self) -> None:
        self.progress, self._stopping = Progress(counted=True), anyio.Event()
        self._stop: Callable[[], None] | None = None
        self._restraint = Restraint()

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping.set()
        if self._stop is not None:
            self._stop()

    @property
    @abstractmethod
    def _is_level(self) -> bool:
        """Whether nothing above the checkpoint was done, nor anything below it left undone."""

    @abstractmethod
    async def _take(self, entries: Sequence[Entry]) -> None:
        """Do what is next; what was done before is passed over."""

    @abstractmethod
    async def _move(self, reached: Checkpoint) -> None:
        """Move the checkpoint, with nothing behind it but notes."""

    @abstractmethod
    async def _idle(self) -> None:
        """Nothing has come for a while."""

    async def _follow(self, subscription: Subscription, lag: LogLag) -> None:
        """Read on until a stop."""
        self._subscription, self._stop = subscription, subscription.close
        try:
            async with lag.shown():
                await self._read()
                await self._catch_up()
        except NotNow:
            if not self._stopping.is_set():
                raise
        finally:
            subscription.close()
            self._standstill.over()
            self._parking.close()

    async def _read(self) -> None:
        while not self._stopping.is_set():
            entries = await self._subscription.take(self._restraint.patience(IDLE_SECONDS))
            if entries:
                await self._take(entries)
            elif self._restraint.put_off is not None:
                await self._catch_up()
            elif entries is not None:
                await self._idle()
            if self._is_level:
                await self._parking.heed(self._reached)

    def _puts_off(self, reached: Checkpoint) -> bool:
        """Whether a checkpoint with nothing done behind it need not be written for now."""
        is_urgent = self._parking.notes or self._caution.needed
        return not is_urgent and self._restraint.puts_off(reached)

    async def _catch_up(self) -> None:
        """Write how far was read, where that was put off."""
        reached = self._restraint.put_off
        if reached is not None:
            self._restraint.forget()  # first: side effects stand still side by side
            await self._move(reached)

    async def _stand_still(self, attempts: int, event: LoggedEvent, error: Exception) -> None:
        """Wait before an event is tried again; what is before it shows as done meanwhile."""
        await self._catch_up()
        await self._standstill.wait(attempts, event, error, self._parking.hint)

    def _wrote(self, reached: Checkpoint) -> None:
        """The checkpoint is written, and with it who is parked."""
        self._reached = reached
        self._restraint.wrote()
        self._parking.noted()

    async def _patiently(self, step: Callable[[], Awaitable[Reply]]) -> Reply:
        return await patiently(step, self.progress, self._stopping.is_set)
