"""A side effect at work: what is done outside because of a partition's events, at least once.

    react, to events of one aggregate in order, to others meanwhile → move the checkpoint

The checkpoint moves when all of a batch is done, or parked. So after a death some of it is done
again; each reaction is handed a key by which whoever is asked outside can tell.
"""

from collections.abc import Callable, Sequence

import anyio

from engine.core.branches import Branch
from engine.core.effects import Deeds
from engine.core.parking import Ask, Attempt, Note, fault_of, without, written
from engine.core.ports import Feed, ReactionLog
from engine.core.records import Checkpoint, LoggedEvent
from engine.core.registry import Domain
from engine.runtime.looking_back import indexes_behind
from engine.runtime.parked_reaction import ReactionParking
from engine.runtime.patience import Patiently
from engine.runtime.reacting import Reacting
from engine.settings import Settings
from engine.telemetry import metrics

AT_ONCE = 16
"""Reactions of one partition under way at a time: each waits for somebody outside."""


class Doing:
    """One side effect as this process does it, in whatever partitions: at a rate, if it has one."""

    def __init__(self, domain: Domain, deeds: Deeds) -> None:
        self._domain, self.effect = domain, deeds.effect
        self._deeds = {event.__name__: deed for event, deed in deeds.events.items()}
        self._pause = 1 / deeds.effect.rate if deeds.effect.rate else 0.0
        self._free_at = 0.0

    def takes(self, event: LoggedEvent) -> bool:
        """Whether anything is done because of an event."""
        return event.type in self._deeds

    async def attempt(self, partition: int, event: LoggedEvent, index: int) -> Exception | None:
        """Do what is done because of an event, once; what it raised, if anything."""
        try:
            fact = self._domain.decode_event(event.type, event.data, event.meta)
            with anyio.fail_after(self.effect.seconds):
                await self._deeds[event.type].begin(partition, event, fact, index)
        except Exception as error:  # noqa: BLE001 -- the boundary to the reactions: reported, tried again
            metrics.EFFECT_CALLS.labels(self.effect.name, "failed").inc()
            return error
        metrics.EFFECT_CALLS.labels(self.effect.name, "done").inc()
        return None

    async def turn(self, stopping: anyio.Event) -> None:
        """Wait for the turn of the next attempt, or for a stop."""
        now = anyio.current_time()
        at = max(now, self._free_at)
        self._free_at = at + self._pause
        with anyio.move_on_after(at - now):
            await stopping.wait()


class EffectParking(ReactionParking):
    """The aggregates that one side effect passes over in one partition."""

    def __init__(  # noqa: PLR0913 -- an effect in all that parking needs
        self,
        doing: Doing,
        partition: int,
        log: ReactionLog,
        patiently: Patiently,
        settings: Settings,
        stopping: anyio.Event,
    ) -> None:
        super().__init__(doing.effect.name, partition, log, patiently, settings, stopping.is_set)
        self._doing, self._stopping = doing, stopping

    async def parks(
        self, event: LoggedEvent, error: Exception, attempts: int, since: float
    ) -> bool:
        """Park an event's aggregate where it has been tried enough; False to try again.

        Outside things pass: an error that parked another aggregate parks this one no sooner.
        """
        _ = since
        if attempts < self._doing.effect.attempts or self.passes_over(event) or self.is_full:
            return False
        await self.park(event, fault_of(error), attempts)
        return True

    async def _redo(
        self, ask: Ask, reached: Checkpoint, page: list[LoggedEvent], mine: list[LoggedEvent]
    ) -> Note | None:
        """Do what was not, up to the first that fails again; then note that."""
        indexes = await indexes_behind(self._log, mine[0].position - 1 if mine else 0)
        tried: Attempt[None] = Attempt([])
        for event in mine:
            index = indexes.of(event)
            if not self._doing.takes(event):
                continue
            await self._doing.turn(self._stopping)
            error = await self._doing.attempt(self._partition, event, index)
            if error is not None:
                tried = Attempt([], event, fault_of(error))
                break
        after = self._after(ask, page, reached, tried)
        notes = without(ask.aggregate) if after is None else {ask.aggregate: written(after)}
        await self._note(reached, notes)
        return after


class EffectReaction(Reacting):
    """One side effect in one partition, while this process owns it."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        doing: Doing,
        partition: int,
        key: str,
        feed: Feed,
        open_log: Callable[[str], ReactionLog],
        server: str,
        settings: Settings,
    ) -> None:
        super().__init__(doing.effect.name, partition, key, feed, open_log, server, settings)
        self._doing = doing
        self._at_once = anyio.Semaphore(AT_ONCE)

    async def _begin(self, branches: Sequence[Branch]) -> EffectParking:
        """Know who is parked."""
        _ = branches
        parking = EffectParking(
            self._doing, self._partition, self._log, self._patiently, self._settings,
            self._stopping,
        )  # fmt: skip
        await parking.load()
        return parking

    async def _handle(self, events: Sequence[LoggedEvent]) -> bool:
        """React to events; False at a stop, before all is done: then it is not written."""
        if not self._parking.passes_over(events[0]):
            await self._beware(events[0])
        chains: dict[str, list[tuple[LoggedEvent, int]]] = {}
        for event in events:
            index = self._indexes.of(event)
            if self._doing.takes(event):
                chains.setdefault(event.aggregate, []).append((event, index))
        undone: list[str] = []
        async with anyio.create_task_group() as tasks:
            for aggregate, chain in chains.items():
                tasks.start_soon(self._in_order, aggregate, chain, undone)
        if undone:
            return False
        await self._move_behind(events[-1], is_nothing=not chains)
        self._at = events[-1].position
        await self._moved(len(events))
        return True

    async def _in_order(
        self, aggregate: str, chain: Sequence[tuple[LoggedEvent, int]], undone: list[str]
    ) -> None:
        """React to one aggregate's events; note it as undone where something ended that early."""
        async with self._at_once:
            for event, index in chain:
                if not await self._react(event, index):
                    undone.append(aggregate)
                    return

    async def _react(self, event: LoggedEvent, index: int) -> bool:
        """React to an event until that is done or its aggregate is parked; False at a stop."""
        attempts = 0
        while not self._parking.passes_over(event):
            await self._doing.turn(self._stopping)
            if self._stopping.is_set():
                return False
            error = await self._doing.attempt(self._partition, event, index)
            if error is None:
                return True
            attempts += 1
            if not await self._parking.parks(event, error, attempts, 0.0):
                await self._stand_still(attempts, event, error)
                if await self._parking.is_asked():
                    return False
        return True
