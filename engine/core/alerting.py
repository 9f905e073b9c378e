"""When somebody is told that a projection does not keep up, and when that it does again.

Nothing flaps, by two rules. What is wrong must stay wrong for a while before an alert is
raised, and well for as long before it is over: what goes to and fro more quickly is one alert.
And a lag is over only at half of the limit that raised it.

An `Alarm` is all that is remembered. It stands in Redis, so that whoever watches next goes on
where the last one was. What had not been told for certain is told again: once too often is
better than not at all.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from engine.core.liveness import State
from engine.core.standing import Standing
from engine.core.summary import Summary, summed

BEHIND, PARKED = "behind", "parked"
"""What may be wrong with a generation. Aggregates may be parked for days; that must not hide
that it stands still."""


NO_GENERATION = 0
"""Of a router or a side effect, and where generations cannot be read: they count from 1."""


class About(NamedTuple):
    """What an alarm is about: a generation, or a reaction, and what may be wrong with it."""

    projection: str
    generation: int
    kind: str

    def __str__(self) -> str:
        """As it stands in Redis."""
        return f"{self.projection}@{self.generation} {self.kind}"

    @classmethod
    def read(cls, text: str) -> "About":
        """What stands there; raises `ValueError` where it is none of ours."""
        generation, _, kind = text.partition(" ")
        projection, _, number = generation.partition("@")
        return cls(projection, int(number), kind)


class Trouble(msgspec.Struct, frozen=True):
    """What is wrong, for people; ``behind`` counts events and ``seconds`` is the lag's age."""

    why: str
    behind: int = 0
    seconds: float | None = 0.0
    parked: int = 0


class Alarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, from when it began until it has been told that it is over.

    Times are Redis's, in milliseconds since 1970, and 0 for never: ``since_ms`` when it began,
    ``raised_ms`` when that was an alert, ``well_ms`` since when all has been well again,
    ``over_ms`` when it was over. ``told`` is about the last of these. ``seen_ms`` is the last
    look while it is counted how long something lasts: where nobody looked nothing lasts.
    """

    trouble: Trouble
    since_ms: int
    raised_ms: int = 0
    well_ms: int = 0
    over_ms: int = 0
    seen_ms: int = 0
    told: bool = False

    @property
    def is_raised(self) -> bool:
        """Whether it is an alert now."""
        return bool(self.raised_ms) and not self.over_ms

    @property
    def is_due(self) -> bool:
        """Whether somebody must be told: that it began, or that it is over."""
        return bool(self.raised_ms) and not self.told


class Patience(NamedTuple):
    """How long something must last to count, in ms; not looked at for ``gap_ms``, it did not."""

    for_ms: int
    gap_ms: int


def troubles_of(
    standings: Sequence[Standing], *, is_live: bool, limit: float, raised: bool
) -> dict[str, Trouble]:
    """What is wrong with a generation, by its kind; one that is built is behind by nature.

    ``limit`` is for the age of what waits, in seconds; ``raised`` says that it was passed before.
    """
    summary = summed(standings)
    found: dict[str, Trouble] = {}

    def note(kind: str, why: str) -> None:
        found[kind] = Trouble(why, summary.behind, summary.waits, summary.parked)

    if why := _standstill(summary, standings):
        note(BEHIND, why)
    elif is_live and (summary.waits is None or summary.waits > (limit / 2 if raised else limit)):
        paused = ", for it is paused: `semel projection resume`" * (summary.state is State.PAUSED)
        note(BEHIND, f"{summary.behind} events behind, by {summary.waits or 0:.0f} s{paused}")
    if summary.parked:
        note(PARKED, f"passes over {summary.parked} parked aggregates: `semel dead list`")
    return found


def stepped(
    alarms: Mapping[About, Alarm], troubles: Mapping[About, Trouble | None], now_ms: int,
    patience: Patience,
) -> dict[About, Alarm]:  # fmt: skip
    """The alarms after one more look; those that it was not about stay as they are."""
    after = dict(alarms)
    for about, trouble in troubles.items():
        alarm = _step(after.pop(about, None), trouble, now_ms, patience)
        if alarm is not None:
            after[about] = alarm
    return after


def _step(
    alarm: Alarm | None, trouble: Trouble | None, now_ms: int, patience: Patience
) -> Alarm | None:
    if alarm is None or not alarm.raised_ms:
        return None if trouble is None else _risen(alarm, trouble, now_ms, patience)
    if alarm.over_ms:
        # It stands until that is told; what is wrong by now is another one.
        return None if alarm.told else alarm
    if trouble is not None:
        return msgspec.structs.replace(alarm, well_ms=0, seen_ms=0)
    return _calmed(alarm, now_ms, patience)


def _risen(alarm: Alarm | None, trouble: Trouble, now_ms: int, patience: Patience) -> Alarm:
    """An alert, once it has been wrong for long enough."""
    lasts = alarm is not None and now_ms - alarm.seen_ms <= patience.gap_ms
    since = alarm.since_ms if alarm is not None and lasts else now_ms
    if now_ms - since >= patience.for_ms:
        return Alarm(trouble, since, raised_ms=now_ms)
    return Alarm(trouble, since, seen_ms=now_ms)


def _calmed(alarm: Alarm, now_ms: int, patience: Patience) -> Alarm:
    """Over, once it has been well for long enough."""
    lasts = alarm.well_ms and now_ms - alarm.seen_ms <= patience.gap_ms
    well = alarm.well_ms if lasts else now_ms
    if now_ms - well >= patience.for_ms:
        return msgspec.structs.replace(alarm, well_ms=well, over_ms=now_ms, seen_ms=0, told=False)
    return msgspec.structs.replace(alarm, well_ms=well, seen_ms=now_ms)


def written(alarm: Alarm) -> str:
    """An alarm as it is kept."""
    return msgspec.json.encode(alarm).decode()


def read_alarms(fields: Mapping[str, str]) -> dict[About, Alarm]:
    """Alarms as they were kept; what is none of ours is passed over."""
    alarms = {}
    for about, text in fields.items():
        with suppress(ValueError, msgspec.DecodeError):
            alarms[About.read(about)] = msgspec.json.decode(text, type=Alarm)
    return alarms


def _standstill(summary: Summary, standings: Sequence[Standing]) -> str:
    """What makes no progress at all, whether anything waits for it or not."""
    every = len(standings)
    stuck = [s for s in standings if s.state in (State.BLOCKED, State.RETRYING)]
    if stuck:
        first = stuck[0]
        return f"{len(stuck)} of {every} partitions stand still: {first.partition}: {first.why}"
    if free := summary.states.get(State.UNOWNED, 0):
        return (
            f"{free} of {every} partitions are nobody's: does `semel project` run, with the code "
            f"that made it?"
        )
    return ""
