"""Times that recur, as cron has them: ``minute hour day-of-month month day-of-week``.

Each field is ``*``, a number, a range ``a-b``, either of these with a step ``/n``, or several
of those with commas; months and days of the week have names too (``jan``, ``mon``; Sunday is 0
or 7). As in Vixie's cron, where both kinds of day are restricted a day need only match one.

Clocks that are put forward and back, by Vixie's rule: a schedule with certain hours runs once a
day all the same, an hour later where its own is skipped, and the first time of two where its own
comes twice. One that runs in every hour (``*`` or ``*/n``) goes by what clocks show.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count, takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engine.core.errors import Misuse

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SUNDAY = 7

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)

_SHIFT = timedelta(hours=3)
"""Clocks are never put forward or back so far."""

_SEARCH_DAYS = 366 * 8 + 1
"""A 29th of February comes within eight years; what has not come by then never does."""

_SPANS = (timedelta(minutes=10), _HOUR, _DAY, timedelta(days=31), timedelta(days=366))
"""How far back the latest occurrence is looked for: in each there are at most some dozens that
the one before did not have."""

_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""From here on it is looked whether a schedule has any occurrence."""


class Field(NamedTuple):
    """One of the five: its name, its bounds, and the names of its values."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (
    Field("minute", 0, 59), Field("hour", 0, 23), Field("day of month", 1, 31),
    Field("month", 1, 12, _MONTHS), Field("day of week", 0, _SUNDAY, _DAYS),
)  # fmt: skip


class Cron(NamedTuple):
    """When something recurs; `cron_of` makes one."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    every_hour: bool
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence after a moment, in UTC; raises `Misuse` where there is none."""
        shown = moment.astimezone(self.zone).replace(tzinfo=None)
        first = (shown - _SHIFT).date()
        for day in range(_SEARCH_DAYS):
            found = self._first(first + day * _DAY, moment, shown - _SHIFT)
            if found is not None:
                return found
        raise Misuse("it never comes: there is no such day")

    def latest(self, after: datetime, upto: datetime) -> datetime | None:
        """The last occurrence after a moment, up to another; None where there is none."""
        for span in (*_SPANS, upto - after):
            start = max(after, upto - span)
            found = self.next_after(start)
            if found <= upto:
                following = (self.next_after(found) for _ in count())
                for later in takewhile(lambda moment: moment <= upto, following):
                    found = later
                return found
            if start == after:
                break
        return None

    def _first(self, day: date, after: datetime, shown: datetime) -> datetime | None:
        """The first occurrence after a moment on a day of the zone's calendar.

        What clocks show before ``shown`` is not after that moment in any case.
        """
        if day.month not in self.months or not self._has(day):
            return None
        found: list[datetime] = []
        for hour in self.hours:
            begins = datetime.combine(day, time(hour))
            # What clocks show later may come first, where they are put forward.
            if found and begins > found[0].astimezone(self.zone).replace(tzinfo=None) + _SHIFT:
                break
            if begins + _HOUR > shown:
                walls = [begins.replace(minute=minute) for minute in self.minutes]
                found += [one for wall in walls for one in self._moments(wall) if one > after]
        return min(found, default=None)

    def _has(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % _SUNDAY in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week

    def _moments(self, wall: datetime) -> Iterator[datetime]:
        """When clocks show a time: once, but for an hour that is skipped, or comes twice."""
        if not self.every_hour:
            yield wall.replace(tzinfo=self.zone).astimezone(UTC)
            return
        for fold in (0, 1):
            moment = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if moment.astimezone(self.zone).replace(tzinfo=None) == wall:
                yield moment


def cron_of(text: str, zone: str = "UTC") -> Cron:
    """Read five fields and the name of a time zone; raises `Misuse`, saying what is wrong."""
    parts = text.lower().split()
    if len(parts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise Misuse(f"{text!r} has {len(parts)} fields; cron has five: {names}")
    try:
        where = UTC if zone == "UTC" else ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise Misuse(f"there is no time zone {zone!r} on this machine (Europe/Paris is one)") from (
            error
        )
    minutes, hours, days, months, weekdays = (
        _values(part, field) for part, field in zip(parts, _FIELDS, strict=True)
    )
    cron = Cron(
        tuple(sorted(minutes)), tuple(sorted(hours)), days, months,
        frozenset(value % _SUNDAY for value in weekdays),
        either_day=not (parts[2].startswith("*") or parts[4].startswith("*")),
        every_hour=parts[1].startswith("*"), zone=where,
    )  # fmt: skip
    cron.next_after(_SOME_DAY)
    return cron


def _values(part: str, field: Field) -> frozenset[int]:
    """The values that a field stands for."""
    return frozenset(value for one in part.split(",") for value in _range(one, field))


def _range(text: str, field: Field) -> range:
    body, slash, step = text.partition("/")
    first, dash, last = body.partition("-")
    if body == "*":
        least, most = field.least, field.most
    else:
        least = _number(first, field)
        most = _number(last, field) if dash else field.most if slash else least
    if slash and not (step.isdecimal() and int(step) > 0):
        raise Misuse(f"{text!r} is no {field.name}: the step must be a number above 0")
    if most < least:
        raise Misuse(f"{text!r} is no {field.name}: the range ends before it begins")
    return range(least, most + 1, int(step) if slash else 1)


def _number(text: str, field: Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.least
    if not text.isdecimal() or not field.least <= int(text) <= field.most:
        raise Misuse(f"{text!r} is no {field.name}: it is {field.least} to {field.most}")
    return int(text)
