"""Projections as they stand: every generation that exists, in every partition.

Everything is read from Redis, at a cost that follows from how many partitions are looked at.
What moved is measured between two looks, where there were two; else it is what workers report.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from engine.core.alerting import About, Alarm, read_alarms
from engine.core.comparing import Compared, read_compared
from engine.core.errors import Refused, Torn
from engine.core.generations import Generations
from engine.core.liveness import State
from engine.core.records import Report
from engine.core.standing import Group, Standing, disagreement, standings
from engine.core.summary import summed, together

if TYPE_CHECKING:
    from engine.app import RedisSession

REMOVING = "removing"
"""What a generation is that is over, while there is anything left of it."""


class Progress(msgspec.Struct):
    """How far a build has come, in events; ``left_seconds`` is None where nobody can tell."""

    done: int
    of: int
    percent: float
    began_ms: int
    left_seconds: float | None


class Alert(msgspec.Struct):
    """Something that is wrong, and has been for so long that somebody was told."""

    kind: str
    why: str
    since_ms: int
    raised_ms: int


class Generation(msgspec.Struct, kw_only=True):
    """One generation over all partitions; see `engine.core.standing.Standing`.

    ``rate_from`` is how the rate is known: ``measured``, ``reported``, or empty where it is not.
    ``group`` is what Redis says of the consumer group, where it was asked. ``partitions`` says
    the same of each partition, and may be left out.
    """

    name: str
    generation: int
    stage: str
    state: str
    states: dict[str, int] = {}
    behind: int = 0
    seconds: float | None = None
    rate: float | None = None
    rate_from: str = ""
    moved: float | None = None
    parked: int = 0
    passed_over: int = 0
    owned: int = 0
    workers: list[str] = []
    group: Group | None = None
    build: Progress | None = None
    alerts: list[Alert] = []
    troubles: list[str] = []
    partitions: list[Standing] | UnsetType = UNSET

    def whole(self) -> "Generation":
        """The same without its partitions."""
        return msgspec.structs.replace(self, partitions=UNSET)


class Projection(msgspec.Struct):
    """One projection; ``compared`` is what came of comparing the rows of live and previous."""

    name: str
    paused: bool
    compared: Compared | None
    generations: list[Generation]


class Seen:
    """What the last look saw of each place: the next one measures from there."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, int, int], tuple[int, int]] = {}
        self._moved: dict[tuple[str, int, int], int] = {}

    def has(self, name: str, number: int) -> bool:
        """Whether the next look at a generation can measure."""
        return (name, number, 0) in self._places

    def measured(self, name: str, number: int, found: Standing, now_ms: int) -> Standing:
        """How it moves by what two looks saw; as it was reported at the first one."""
        place = (name, number, found.partition)
        before, self._places[place] = self._places.get(place), (now_ms, found.position)
        if before is None or now_ms <= before[0]:
            return found
        done = max(0, found.position - before[1])
        if done:
            self._moved[place] = now_ms
        at = self._moved.get(place)
        ages = [found.moved, None if at is None else (now_ms - at) / 1000]
        return msgspec.structs.replace(
            found, rate=round(done * 1000 / (now_ms - before[0]), 1),
            moved=min((age for age in ages if age is not None), default=None),
        )  # fmt: skip


class Projections:
    """Looks at projections on one session; ``reports`` is what their workers say."""

    def __init__(
        self, session: "RedisSession", reports: Mapping[str, Report], seen: Seen | None = None
    ) -> None:
        self._session, self._reports, self._seen = session, reports, seen or Seen()

    async def look(self, name: str, *, closely: bool = True) -> Projection:
        """One projection, with all its generations; ``closely`` as `Readings.look`."""
        try:
            found = await self._session.builds.read(name)
        except (Refused, Torn) as error:
            blocked = Generation(
                name=name, generation=0, stage="", state=State.BLOCKED, troubles=[str(error)]
            )
            return Projection(name, False, None, [blocked])
        alarms: Mapping[About, Alarm] = {}
        with suppress(Refused):  # whoever watches says what is wrong with that key
            alarms = read_alarms(await self._session.alarms.read())
        generations = [
            await self._generation(name, number, found, alarms, closely=closely)
            for number in found.stages
        ]
        generations += (
            Generation(name=name, generation=number, stage=REMOVING, state=REMOVING)
            for number in found.removing
        )
        compared = None
        with suppress(msgspec.DecodeError):
            compared = read_compared(found.compared)
        return Projection(name, found.is_paused, compared, generations)

    async def live(self, name: str) -> Generation:
        """The generation that queries read."""
        return (await self.look(name, closely=False)).generations[0]

    async def _generation(
        self, name: str, number: int, found: Generations, alarms: Mapping[About, Alarm], *,
        closely: bool,
    ) -> Generation:  # fmt: skip
        session, every = self._session, range(self._session.partitions)
        readings = await session.readings.look(name, number, every, closely=closely)
        now = await session.now_ms()
        leases = [session.projection_lease(name, number, partition) for partition in every]
        said = {p: self._reports[lease] for p, lease in enumerate(leases) if lease in self._reports}
        source = "measured" if self._seen.has(name, number) else "reported"
        places = [
            self._seen.measured(name, number, each, now)
            for each in standings(found, number, readings, said, now)
        ]
        total = summed(places)
        building = number == found.building
        return Generation(
            name=name, generation=number, stage=found.stages[number], state=total.state,
            states=total.states, behind=total.behind, seconds=total.seconds, rate=total.rate,
            rate_from="" if total.rate is None else source, moved=total.moved,
            parked=total.parked, passed_over=total.passed_over, owned=total.owned,
            workers=total.workers, group=together([each.group for each in places]),
            build=_progress(places, total.rate, found.since_ms) if building else None,
            alerts=_alerts(name, number, alarms),
            troubles=[*total.troubles, *(_doubts(places) if closely else ())],
            partitions=places,
        )  # fmt: skip


def _doubts(places: Sequence[Standing]) -> Iterator[str]:
    for each in places:
        if said := disagreement(each):
            yield f"partition {each.partition}: {said}"


def _alerts(name: str, number: int, alarms: Mapping[About, Alarm]) -> list[Alert]:
    return [
        Alert(about.kind, alarm.trouble.why, alarm.since_ms, alarm.raised_ms)
        for about, alarm in alarms.items()
        if about[:2] == (name, number) and alarm.is_raised
    ]


def _progress(places: Sequence[Standing], rate: float | None, began_ms: int) -> Progress:
    done, of = sum(each.position for each in places), sum(each.head for each in places)
    left = of - done
    seconds = 0.0 if left <= 0 else round(left / rate, 1) if rate else None
    return Progress(done, of, round(100 * done / of, 1) if of else 100.0, began_ms, seconds)
