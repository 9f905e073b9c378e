"""What a router or a side effect has parked: how that is noted, counted and told."""

from collections.abc import Callable, Mapping
from functools import partial

from engine.core.ports import ReactionLog
from engine.core.ports.reacting import NO_MARKS
from engine.core.records import Checkpoint
from engine.runtime.parking import Parking, Told
from engine.runtime.patience import Patiently
from engine.settings import Settings
from engine.telemetry import log, metrics


class ReactionParking(Parking):
    """The aggregates that one reaction passes over in one partition."""

    def __init__(  # noqa: PLR0913 -- a reaction in all that parking needs
        self,
        name: str,
        partition: int,
        log: ReactionLog,
        patiently: Patiently,
        settings: Settings,
        is_stopping: Callable[[], bool],
    ) -> None:
        super().__init__(partition, log, settings, is_stopping)
        self._name, self._log, self._patiently = name, log, patiently

    async def _note(self, reached: Checkpoint, notes: Mapping[str, str]) -> None:
        write = partial(self._log.move, reached.position, reached, NO_MARKS, notes)
        await self._patiently(write)

    def _add(self, parked: int) -> None:
        metrics.REACTION_PARKED.labels(self._name).inc(parked)

    def _tell(self, told: Told, aggregate: str, **about: object) -> None:
        place = {"reaction": self._name, "partition": self._partition}
        said = {**place, "aggregate": aggregate, **about}
        match told:
            case Told.PARKED:
                log.error("reaction.parked", **said)
            case Told.UNPARKED:
                log.info("reaction.unparked", **said)
            case Told.UNMENDED:
                log.error("reaction.unmended", **said)
            case Told.DROPPED:
                log.warning("reaction.dropped", **said)
