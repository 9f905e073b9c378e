"""What a projection has parked: noted with the checkpoint that passes it over, and replayed."""

from collections.abc import Callable, Mapping
from functools import partial

from engine.core.parking import Ask, Note, attempt, without, written
from engine.core.ports import Log
from engine.core.projecting import Projecting
from engine.core.records import Checkpoint, LoggedEvent, RowChange
from engine.runtime.parking import Parking, Told
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from engine.settings import Settings
from engine.telemetry import log, metrics


class ProjectionParking(Parking):
    """The aggregates that one projector passes over."""

    def __init__(  # noqa: PLR0913 -- a projector in all that parking needs
        self,
        projection: str,
        partition: int,
        project: Projecting,
        log: Log,
        settings: Settings,
        progress: Progress,
        is_stopping: Callable[[], bool],
    ) -> None:
        super().__init__(partition, log, settings, is_stopping)
        self._projection, self._project, self._log = projection, project, log
        self._progress = progress

    async def _redo(
        self, ask: Ask, reached: Checkpoint, page: list[LoggedEvent], mine: list[LoggedEvent]
    ) -> Note | None:
        """Apply what can be of the aggregate's events, with the note since, in one step."""
        tried = attempt(self._project, self._partition, mine)
        tried = tried.settled(self._projection, await self._log.watermarks(tried.rows))
        after = self._after(ask, page, reached, tried)
        notes = without(ask.aggregate) if after is None else {ask.aggregate: written(after)}
        await self._step(reached, tried.changes, notes)
        return after

    async def _note(self, reached: Checkpoint, notes: Mapping[str, str]) -> None:
        await self._step(reached, [], notes)

    async def _step(
        self, reached: Checkpoint, changes: list[RowChange], notes: Mapping[str, str]
    ) -> None:
        write = partial(self._log.apply, reached.position, reached, changes, notes)
        await patiently(write, self._progress, self._is_stopping)
        self._progress.moved()

    def _add(self, parked: int) -> None:
        metrics.PROJECTION_PARKED.labels(self._projection).inc(parked)

    def _tell(self, told: Told, aggregate: str, **about: object) -> None:
        place = {"projection": self._projection, "partition": self._partition}
        said = {**place, "aggregate": aggregate, **about}
        match told:
            case Told.PARKED:
                log.error("projection.parked", **said)
            case Told.UNPARKED:
                log.info("projection.unparked", **said)
            case Told.UNMENDED:
                log.error("projection.unmended", **said)
            case Told.DROPPED:
                log.warning("projection.dropped", **said)
