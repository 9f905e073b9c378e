"""Recurring schedules: commands that nobody sends but the clock.

::

    # handlers/__init__.py
    schedules = [
        Schedule("nightly", cron="0 3 * * *", aggregate="report-daily", command=MakeReport()),
    ]

Each occurrence is submitted once, whatever dies: the mark of its source (`Mark`) moves in the
same step. Where nobody ran when one was due, the last one that was missed is made up for, and no
other. A schedule that is new, or whose times were changed, begins anew with the next one.
"""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from engine.core.codec import encode, time_of
from engine.core.cron import Cron, cron_of
from engine.core.errors import Misregistered, Misuse
from engine.core.inside import inside_id
from engine.core.messages import Command
from engine.core.routing import aggregate_fault, id_fault, kind_of

if TYPE_CHECKING:
    from engine.core.registry import Domain

SOURCE = "schedule"
"""What schedules are called in the ids that they make, and among the sources of a partition."""

NO_MARK = "0-0"
"""The mark of a source that has submitted nothing: what ``submit.lua`` takes for one."""


@dataclass(frozen=True)
class Schedule:
    """A command for one aggregate, at times that recur.

    ``cron`` has five fields (`engine.core.cron`), in UTC unless ``zone`` names another time zone,
    such as ``Europe/Paris``. ``name`` is unique, and stays: another name is another schedule.
    The command's ``meta.time`` is the time that was due.
    """

    name: str
    _: KW_ONLY
    cron: str
    aggregate: str
    command: Command
    zone: str = "UTC"


class Mark(NamedTuple):
    """How far a schedule has come: its last occurrence, in ms since 1970, of which times.

    Where the times are not those of now they were changed, and it begins anew.
    """

    at_ms: int
    times: str

    @classmethod
    def read(cls, text: str) -> "Mark":
        """A mark as ``sources`` has it; raises `ValueError` where it is none."""
        at, _, times = text.partition(" ")
        return cls(0 if text == NO_MARK else int(at), times)

    def __str__(self) -> str:
        """A mark for ``sources``."""
        return f"{self.at_ms} {self.times}"


class Recurring:
    """A schedule that was checked: when it is due, and what is submitted then."""

    def __init__(self, schedule: Schedule, cron: Cron) -> None:
        self.schedule, self._cron = schedule, cron
        self.source = f"{SOURCE}/{schedule.name}"
        self.times = f"{' '.join(schedule.cron.split())} {schedule.zone}"

    def next_ms(self, after_ms: int) -> int:
        """When the first occurrence after a time is."""
        return _ms(self._cron.next_after(time_of(after_ms)))

    def latest_ms(self, after_ms: int, upto_ms: int) -> int | None:
        """When the last one after a time was, up to another; None where there was none."""
        found = self._cron.latest(time_of(after_ms), time_of(upto_ms))
        return None if found is None else _ms(found)

    def command(self, secret: bytes, at_ms: int) -> dict[str, bytes]:
        """The command of one occurrence, as an entry's fields."""
        schedule = self.schedule
        meta = {"time": time_of(at_ms)}
        return {
            "id": inside_id(secret, SOURCE, f"{schedule.name}/{at_ms}").encode(),
            "type": type(schedule.command).__name__.encode(),
            "aggregate": schedule.aggregate.encode(),
            "data": schedule.command.model_dump_json().encode(),
            "meta": encode(meta),
        }


def registered(domain: "Domain", schedules: Iterable[Schedule]) -> dict[str, Recurring]:
    """Schedules by their names, checked against a domain; raises `Misregistered`."""
    found: dict[str, Recurring] = {}
    for schedule in schedules:
        if schedule.name in found:
            raise Misregistered(f"there are two schedules {schedule.name!r}: names are unique")
        fault = _fault(domain, schedule)
        if fault is not None:
            raise Misregistered(f"the schedule {schedule.name!r} cannot be served: {fault}")
        try:
            cron = cron_of(schedule.cron, schedule.zone)
        except Misuse as error:
            raise Misregistered(
                f"the schedule {schedule.name!r} cannot be served: {error}"
            ) from error
        found[schedule.name] = Recurring(schedule, cron)
    return found


def _fault(domain: "Domain", schedule: Schedule) -> str | None:
    """What is wrong with a schedule, but for its times."""
    if (fault := id_fault(schedule.name)) is not None:
        return f"its name {fault}"
    if (fault := aggregate_fault(schedule.aggregate)) is not None:
        return f"the aggregate {schedule.aggregate!r} {fault}"
    name = type(schedule.command).__name__
    handler = domain.commands.get(name)
    if handler is None:
        return f"nobody handles {name}"
    if handler.decider.kind != kind_of(schedule.aggregate):
        return f"{name} is for {handler.decider.kind}-…, and {schedule.aggregate} is not one"
    return None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
