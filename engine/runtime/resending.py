"""What a router has parked: noted before anything behind it is sent, and sent after repair.

Meanwhile the router has gone on, and so have its marks. So what was parked is sent under a source
of its own, which has marks of its own: a repair that dies half-way is taken up where it was.
"""

from collections.abc import Callable, Sequence

from engine.core.branches import Branch
from engine.core.errors import Misuse
from engine.core.parking import Ask, Note, attempt, without, written
from engine.core.ports import ReactionLog
from engine.core.records import Checkpoint, LoggedEvent
from engine.core.routed import Routing, Wish
from engine.runtime.looking_back import indexes_behind
from engine.runtime.parked_reaction import ReactionParking
from engine.runtime.patience import Patiently
from engine.runtime.sending import Sender
from engine.settings import Settings


class Resending(ReactionParking):
    """The aggregates that one router passes over in one partition."""

    def __init__(  # noqa: PLR0913 -- a reaction in all that parking needs
        self,
        name: str,
        partition: int,
        route: Routing,
        log: ReactionLog,
        branches: Sequence[Branch],
        patiently: Patiently,
        settings: Settings,
        is_stopping: Callable[[], bool],
    ) -> None:
        super().__init__(name, partition, log, patiently, settings, is_stopping)
        self._route, self._branches = route, branches

    async def parks(
        self, event: LoggedEvent, error: Exception, attempts: int, since: float
    ) -> bool:
        """Park an event's aggregate where it has been tried enough; False to try again."""
        if isinstance(error, Misuse):  # what is wrong with a command will be wrong with it again
            attempts = max(attempts, self._settings.park_after_attempts)
        return await super().parks(event, error, attempts, since)

    async def _redo(
        self, ask: Ask, reached: Checkpoint, page: list[LoggedEvent], mine: list[LoggedEvent]
    ) -> Note | None:
        """Send what can be of what follows from the aggregate's events; then note that."""
        indexes = await indexes_behind(self._log, mine[0].position - 1 if mine else 0)

        def route(partition: int, event: LoggedEvent) -> Sequence[Wish]:
            return self._route(partition, event, indexes.of(event))

        tried = attempt(route, self._partition, mine)
        source = f"{self._name}/{self._partition}/{ask.aggregate}"
        before = self._parked[ask.aggregate].position - 1
        sender = Sender(self._name, source, self._log, self._branches, before, self._patiently)
        for _, wishes in tried.done:
            await sender.send(wishes)
        after = self._after(ask, page, reached, tried)
        notes = without(ask.aggregate) if after is None else {ask.aggregate: written(after)}
        await self._note(reached, notes)
        return after
