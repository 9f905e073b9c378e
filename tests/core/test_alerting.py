"""Alerts: raised after a while, over after a while, told once each, and nothing flaps."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from engine.core.alerting import (
    BEHIND,
    PARKED,
    About,
    Alarm,
    Patience,
    Trouble,
    read_alarms,
    stepped,
    troubles_of,
    written,
)
from engine.core.records import LeaseState, Report
from engine.core.standing import Reading, Standing, standing

NOW = 1_769_860_800_000
ABOUT = About("orders", 1, BEHIND)
BAD = Trouble("4 of 4 partitions are nobody's", 7, 3.0)
PATIENCE = Patience(for_ms=10_000, gap_ms=5000)
LIMIT = 30.0


class Watched:
    """One thing that is looked at each second, by a clock that goes when it is looked at."""

    def __init__(self) -> None:
        self.now = NOW
        self.alarms: dict[About, Alarm] = {}
        self.told: list[str] = []

    def see(self, *troubles: Trouble | None, every_ms: int = 1000, is_told: bool = True) -> None:
        for trouble in troubles:
            self.alarms = stepped(self.alarms, {ABOUT: trouble}, self.now, PATIENCE)
            self.now += every_ms
            alarm = self.alarms.get(ABOUT)
            if alarm is not None and alarm.is_due and is_told:
                self.told.append("over" if alarm.over_ms else "raised")
                self.alarms[ABOUT] = msgspec.structs.replace(alarm, told=True)

    @property
    def alarm(self) -> Alarm:
        return self.alarms[ABOUT]


def times(count: int, *pattern: Trouble | None) -> Iterable[Trouble | None]:
    return pattern * count


def test_what_is_wrong_for_a_while_is_raised_once_and_over_once() -> None:
    one = Watched()
    one.see(*times(10, BAD))
    assert one.told == []
    one.see(BAD)
    assert one.told == ["raised"]
    assert (one.alarm.since_ms, one.alarm.raised_ms) == (NOW, NOW + 10_000)
    one.see(*times(60, BAD))
    assert one.told == ["raised"]
    one.see(*times(10, None))
    assert one.told == ["raised"]
    one.see(None)
    assert one.told == ["raised", "over"]
    one.see(None)
    assert one.alarms == {}
    one.see(*times(11, BAD))
    assert one.told == ["raised", "over", "raised"]


def test_a_blip_is_nothing() -> None:
    one = Watched()
    one.see(*times(20, BAD, BAD, BAD, None))
    assert one.told == []
    one.see(None)
    assert one.alarms == {}


def test_what_goes_to_and_fro_is_one_alert() -> None:
    one = Watched()
    one.see(*times(11, BAD))
    one.see(*times(50, None, None, None, BAD))
    assert one.told == ["raised"]


def test_what_was_not_looked_at_did_not_last() -> None:
    """All was stopped for the night: what was wrong then is not wrong since then."""
    one = Watched()
    one.see(*times(5, BAD))
    one.now += PATIENCE.gap_ms
    one.see(*times(10, BAD))
    assert one.told == []
    one.see(BAD)
    assert one.told == ["raised"]
    one.see(*times(5, None))
    one.now += PATIENCE.gap_ms
    one.see(*times(10, None))
    assert one.told == ["raised"]
    one.see(None)
    assert one.told == ["raised", "over"]


def test_what_is_over_stands_until_that_is_told() -> None:
    one = Watched()
    one.see(*times(11, BAD))
    one.see(*times(11, None), is_told=False)
    assert one.alarm.is_due
    over = one.alarm.over_ms
    one.see(*times(30, BAD), is_told=False)
    assert (one.alarm.over_ms, one.alarm.is_due) == (over, True)
    one.see(None)
    assert one.told == ["raised", "over"]


def test_an_alarm_that_stands_is_not_written_again() -> None:
    """It is noted where it changed: a standstill of days writes nothing."""
    one = Watched()
    one.see(*times(11, BAD))
    before = written(one.alarm)
    one.see(Trouble("something else", 99, 88.0))
    assert written(one.alarm) == before


def test_what_is_kept_is_read_as_it_was_and_what_is_none_of_ours_is_passed_over() -> None:
    alarm = Alarm(BAD, NOW, NOW + 1, 0, 0, NOW + 2)
    kept = {str(ABOUT): written(alarm), "orders": "{}", "orders@1 parked": "junk", "x@y z": "{}"}
    assert read_alarms(kept) == {ABOUT: alarm}
    assert About.read("orders@12 parked") == About("orders", 12, PARKED)


def test_it_is_about_what_was_looked_at_and_about_nothing_else() -> None:
    other = About("customers", 1, BEHIND)
    alarm = Alarm(BAD, NOW, seen_ms=NOW)
    found = stepped({other: alarm}, {ABOUT: BAD}, NOW, PATIENCE)
    assert found == {other: alarm, ABOUT: Alarm(BAD, NOW, seen_ms=NOW)}


def place(waits: float = 0.0, *, report: Report | None = None, **more: Any) -> Standing:
    behind = 1 if waits else 0
    lease = more.pop("lease", LeaseState("w", "t", 1000))
    paused = more.pop("is_paused", False)
    one = Reading(
        0, lease, 9 - behind, 9, 9 * behind, NOW - int(waits * 1000) if waits else 0, **more
    )
    return standing(one, report or Report(moved=0.1), NOW, is_paused=paused)


def kinds(*standings: Standing, is_live: bool = True, raised: bool = False) -> dict[str, str]:
    found = troubles_of(standings, is_live=is_live, limit=LIMIT, raised=raised)
    return {kind: trouble.why for kind, trouble in found.items()}


NOBODY = LeaseState("", "", 0)


@pytest.mark.parametrize(
    ("standings", "kind", "why"),
    [
        ([place(29.9)], None, ""),
        ([place(30.1)], BEHIND, "1 events behind, by 30 s"),
        ([place(), place(lease=NOBODY)], BEHIND, "1 of 2 partitions are nobody's"),
        ([place(report=Report(moved=0.1, trouble="KeyError"))], BEHIND, "0: KeyError"),
        ([place(9, report=Report(moved=9))], BEHIND, "nothing moved for 9 s"),
        ([place(parked={"order-1": 3})], PARKED, "passes over 1 parked aggregates"),
        ([place(is_paused=True)], None, ""),
        ([place(99, is_paused=True)], BEHIND, "it is paused"),
        ([place(fault="WRONGTYPE")], BEHIND, "WRONGTYPE"),
    ],
)
def test_what_is_wrong_with_a_live_generation(
    standings: list[Standing], kind: str | None, why: str
) -> None:
    found = kinds(*standings)
    assert list(found) == ([kind] if kind else [])
    assert not kind or why in found[kind]


def test_a_lag_is_over_at_half_of_what_raised_it() -> None:
    assert kinds(place(29), raised=True)
    assert kinds(place(15.1), raised=True)
    assert not kinds(place(14.9), raised=True)


def test_a_build_is_behind_by_nature_but_must_not_stand_still() -> None:
    assert not kinds(place(900), is_live=False)
    assert kinds(place(900, lease=NOBODY), is_live=False)
    assert list(kinds(place(900, parked={"order-1": 3}), is_live=False)) == [PARKED]


def test_who_is_parked_hides_no_standstill() -> None:
    found = kinds(place(lease=NOBODY, parked={"order-1": 3}))
    assert set(found) == {BEHIND, PARKED}
