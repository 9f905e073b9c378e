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

import msgspec

from engine.core.liveness import State
from engine.core.standing import Standing, Summary

BEHIND, PARKED = "behind", "parked"
"""What may be wrong with a generation. Aggregates may be parked for days; that must not hide
that it stands still."""


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
    ``over_ms`` when it was over. ``told`` is about the last of these.
    """

    trouble: Trouble
    since_ms: int
    raised_ms: int = 0
    well_ms: int = 0
    over_ms: int = 0
    told: bool = False

    @property
    def is_due(self) -> bool:
        """Whether somebody must be told: that it began, or that it is over."""
        return bool(self.raised_ms) and not self.told


def troubles_of(
    summary: Summary, standings: Sequence[Standing], *, is_live: bool, limit_seconds: float,
    was_raised: bool,
) -> Mapping[str, Trouble]:  # fmt: skip
    """What is wrong with a generation, by its kind; a build is behind by nature.

    ``was_raised`` says that its lag is an alert already.
    """
    limit = limit_seconds / 2 if was_raised else limit_seconds
    lags = is_live and (summary.waits is None or summary.waits > limit)
    found: dict[str, Trouble] = {}

    def note(kind: str, why: str) -> None:
        found[kind] = Trouble(why, summary.behind, summary.waits, summary.parked)

    if why := _standstill(summary, standings):
        note(BEHIND, why)
    elif lags:
        paused = ", for it is paused: `semel projection resume`" * (summary.state is State.PAUSED)
        age = "some time" if summary.waits is None else f"{summary.waits:.0f} s"
        note(BEHIND, f"{summary.behind} events behind, {age}{paused}")
    if summary.parked:
        note(PARKED, f"passes over {summary.parked} parked aggregates: `semel dead list`")
    return found


def stepped(alarm: Alarm | None, trouble: Trouble | None, now_ms: int, for_ms: int) -> Alarm | None:
    """What is remembered after one more look; None for nothing."""
    if alarm is None or not alarm.raised_ms:
        return (
            None
            if trouble is None
            else _risen(alarm or Alarm(trouble, now_ms), trouble, now_ms, for_ms)
        )
    if alarm.over_ms:
        # It stands until that is told; what is wrong by now is another one.
        return None if alarm.told else alarm
    if trouble is not None:
        return msgspec.structs.replace(alarm, well_ms=0)
    alarm = msgspec.structs.replace(alarm, well_ms=alarm.well_ms or now_ms)
    if now_ms - alarm.well_ms < for_ms:
        return alarm
    return msgspec.structs.replace(alarm, over_ms=now_ms, told=False)


def _risen(alarm: Alarm, trouble: Trouble, now_ms: int, for_ms: int) -> Alarm:
    """An alert, once it has been wrong for long enough."""
    if now_ms - alarm.since_ms < for_ms:
        return alarm
    return Alarm(trouble, alarm.since_ms, raised_ms=now_ms)


def written(alarm: Alarm) -> str:
    """An alarm as it is kept."""
    return msgspec.json.encode(alarm).decode()


def read_alarms(fields: Mapping[str, str]) -> dict[str, Alarm]:
    """Alarms as they were kept, by what they are about; what is none of ours is passed over."""
    alarms = {}
    for about, text in fields.items():
        with suppress(msgspec.DecodeError):
            alarms[about] = msgspec.json.decode(text, type=Alarm)
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
