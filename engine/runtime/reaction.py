"""A router at work: one partition's log into commands for others, each once.

    route → note who is parked → send → move the checkpoint

Commands are sent before the checkpoint moves, and what is sent again is known by the marks of the
partitions (`engine.runtime.sending`). So neither a death in between nor a second reader repeats
anything.
"""

from collections.abc import Callable, Mapping, Sequence

import anyio

from engine.core.branches import Branch
from engine.core.errors import NotNow, Refused
from engine.core.ports import Feed, ReactionLog
from engine.core.records import Checkpoint, LoggedEvent
from engine.core.routed import Routing, Wish
from engine.runtime.reacting import Reacting
from engine.runtime.resending import Resending
from engine.runtime.sending import Sender, portions
from engine.settings import Settings


class Reaction(Reacting):
    """One router in one partition, while this process owns it."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        name: str,
        route: Routing,
        partition: int,
        key: str,
        feed: Feed,
        open_log: Callable[[str], ReactionLog],
        server: str,
        settings: Settings,
    ) -> None:
        super().__init__(name, partition, key, feed, open_log, server, settings)
        self._route = route

    async def _begin(self, branches: Sequence[Branch]) -> Resending:
        """Know who is parked, and what was sent."""
        parking = Resending(
            self._name, self._partition, self._route, self._log, branches, self._patiently,
            self._settings, self._stopping.is_set,
        )  # fmt: skip
        await parking.load()
        self._sender = Sender(
            self._name, f"{self._name}/{self._partition}", self._log, branches,
            self._reached.position, self._patiently,
        )  # fmt: skip
        await self._sender.begin()
        return parking

    @property
    def _lowest(self) -> int:
        return self._sender.lowest

    @property
    def _marks(self) -> Mapping[int, str]:
        return self._sender.marks

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
            await self._move(self._restraint.put_off or self._reached)
        last, settings = events[-1], self._settings
        for portion in portions(wishes, settings.batch_commands, settings.batch_bytes):
            if not await self._send(portion, last):
                return False
        if self._sender.lowest < self._at:
            return False
        self._sender.done(last.position)
        self._at = last.position
        if self._at >= self._reached.position:
            await self._move_behind(last, is_nothing=not wishes)
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
                await self._stand_still(attempts, event, error)
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
                await self._stand_still(attempts, last, error)
            else:
                return True
        return False

    async def _move(self, reached: Checkpoint) -> None:
        await super()._move(reached)
        self._sender.noted()
