"""How a generation stands: nothing that rows lack is taken for idle, running or no lag."""

from typing import Any

import msgspec
import pytest

from engine.core.generations import Generations
from engine.core.liveness import STILL_SECONDS, State
from engine.core.records import LeaseState, Report
from engine.core.standing import (
    PROMPT_SECONDS,
    STEP_SECONDS_LIMIT,
    Group,
    Reading,
    disagreement,
    standing,
    standings,
)
from engine.core.summary import SEVERITY, summed, together

NOW = 1_769_860_800_000
MINE = LeaseState("w", "t", 1000)
NOBODYS = LeaseState("", "", 0)
LIVELY = Report(moved=0.1, busy=0.1, rate=40.0)


def reading(
    position: int = 10, head: int = 10, *, lease: LeaseState = MINE, **more: Any
) -> Reading:
    """A place where nothing is missing unless told: what waits came two seconds ago."""
    waits = head > position
    more = {"next": position + 1 if waits else 0, "since_ms": NOW - 2000 if waits else 0} | more
    return Reading(3, lease, position, head, **more)


def test_all_is_applied() -> None:
    found = standing(reading(), LIVELY, NOW)
    assert (found.state, found.why, found.behind, found.seconds) == (State.IDLE, "", 0, 0.0)
    assert (found.moved, found.rate, found.owner, found.partition) == (0.1, 40.0, "w", 3)


def test_what_waits_is_counted_and_has_an_age() -> None:
    found = standing(reading(4), LIVELY, NOW)
    assert (found.state, found.behind, found.seconds, found.waits) == (State.RUNNING, 6, 2.0, 2.0)


def test_nobody_knows_what_nobody_says() -> None:
    found = standing(reading(4), None, NOW)
    assert (found.moved, found.rate) == (None, None)
    nobodys = standing(reading(4, lease=NOBODYS), None, NOW)
    assert (nobodys.state, nobodys.owner, nobodys.behind) == (State.UNOWNED, "", 6)


@pytest.mark.parametrize("report", [None, LIVELY, Report(trouble="OOM")])
@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (reading(4, next=6), "position 5 is missing"),
        (reading(9, 10, next=0, since_ms=0), "position 10 is missing"),
        (reading(12, 10), "history was lost"),
        (Reading(3, NOBODYS, fault="WRONGTYPE"), "cannot be read: WRONGTYPE"),
    ],
)
def test_what_contradicts_itself_stands_still_whatever_its_owner_says(
    missing: Reading, why: str, report: Report | None
) -> None:
    found = standing(missing, report, NOW)
    assert found.state is State.BLOCKED
    assert why in found.why
    assert standing(missing, report, NOW, is_paused=True).state is State.BLOCKED


def test_the_age_of_an_event_that_is_gone_is_not_known() -> None:
    found = standing(reading(9, 10, next=0, since_ms=0), LIVELY, NOW)
    assert (found.behind, found.seconds, found.waits) == (1, None, None)
    assert summed([found, standing(reading(), LIVELY, NOW)]).seconds is None


def test_who_was_stopped_says_why() -> None:
    stopped = Report(trouble="Torn: history was lost", held=False)
    found = standing(reading(lease=NOBODYS), stopped, NOW)
    assert (found.state, found.why) == (State.BLOCKED, stopped.trouble)


def test_who_passes_over_aggregates_is_never_idle_and_their_events_have_an_age() -> None:
    parked = {"order-1": 4, "order-2": 7}
    found = standing(
        reading(parked=parked, passed_over=5, passed_ms=NOW - 90_000), LIVELY, NOW
    )  # fmt: skip
    assert (found.state, found.parked, found.passed_over) == (State.PARKED, 2, 5)
    assert (found.behind, found.waits, found.seconds) == (0, 0.0, 90.0)
    busy = standing(reading(4, parked=parked, since_ms=NOW - 1000), LIVELY, NOW)
    assert busy.state is State.PARKED
    late = standing(reading(4, parked=parked, since_ms=NOW - 9000), LIVELY, NOW)
    assert late.state is State.BEHIND


def test_what_is_paused_says_so_and_lags_all_the_same() -> None:
    found = standing(reading(4, lease=NOBODYS), None, NOW, is_paused=True)
    assert (found.state, found.behind, found.seconds) == (State.PAUSED, 6, 2.0)


@pytest.mark.parametrize("report", [None, Report(moved=60.0)])
def test_a_frozen_owner_is_not_running_for_long(report: Report | None) -> None:
    def state(waits: float) -> State:
        return standing(reading(4, since_ms=NOW - int(waits * 1000)), report, NOW).state

    assert state(PROMPT_SECONDS) is State.RUNNING
    assert state(PROMPT_SECONDS + 0.2) is State.BEHIND
    assert state(STILL_SECONDS + 0.2) is State.BLOCKED
    assert standing(reading(4), LIVELY, NOW).state is State.RUNNING


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    for at, state in enumerate(SEVERITY):
        parts = [standing(reading(), LIVELY, NOW) for _ in SEVERITY[at:]]
        for part, worse in zip(parts, SEVERITY[at:], strict=True):
            part.state = worse
        assert summed(parts[::-1]).state is state
    assert set(SEVERITY) == set(State)


def test_the_whole_is_the_sum_of_its_parts() -> None:
    parts = [
        standing(reading(4), LIVELY, NOW),
        standing(reading(9, since_ms=NOW - 3000), Report(moved=7.0, rate=None), NOW),
        standing(reading(0, 0, lease=NOBODYS), None, NOW),
    ]
    whole = summed(parts)
    assert (whole.behind, whole.seconds, whole.moved, whole.rate) == (7, 3.0, 0.1, 40.0)
    assert (whole.owned, whole.workers) == (2, ["w"])
    assert whole.states == {"running": 1, "behind": 1, "unowned": 1}
    assert summed(parts[2:]).rate is None


@pytest.mark.parametrize(
    ("place", "group", "said"),
    [
        (reading(), Group(10, 0, 0), ""),
        (reading(4), Group(9, 1, 0), ""),  # read ahead
        (reading(4), Group(4, None, 0), ""),
        (reading(4), Group(4, 7, 0), "7 events are left"),
        (reading(4, lease=NOBODYS), Group(9, 1, 0), "1 events are left"),
        (reading(4, lease=NOBODYS), Group(4, 6, 0), ""),
        (reading(), Group(10, 0, 2), "2 entries are pending"),
        (reading(), None, "is gone"),
        (reading(0, 3), None, ""),
        (reading(lease=NOBODYS), None, ""),
    ],
)
def test_what_the_group_says_is_held_against_the_checkpoint(
    place: Reading, group: Group | None, said: str
) -> None:
    found = standing(place._replace(group=group), LIVELY, NOW)
    assert said in disagreement(found)
    assert bool(said) == bool(disagreement(found))


def test_groups_come_together_where_all_are_known() -> None:
    assert together([Group(3, 1, 0), Group(4, 2, 1)]) == Group(7, 3, 1)
    assert together([Group(3, None, 0), Group(4, 2, 0)]) == Group(7, None, 0)
    assert together([Group(3, 1, 0), None]) is None
    assert together([]) is None


MAX_LOAD = 0.02


def built(*moved: float | None, max_load: float = MAX_LOAD) -> list[State]:
    """The states of a build's partitions, each of which last moved so long ago."""
    found = Generations(live=1, building=2, last=2, max_load=max_load)
    readings = [
        reading(4, since_ms=NOW - 90_000)._replace(partition=number) for number in range(len(moved))
    ]
    reports = {number: Report(moved=age) for number, age in enumerate(moved)}
    return [each.state for each in standings(found, 2, readings, reports, NOW)]


def test_partitions_of_a_build_take_turns_and_none_stands_still_for_that() -> None:
    assert built(0.4, 8.0, 16.0, None) == [State.RUNNING] * 4


def test_a_build_that_moves_nothing_anywhere_stands_still() -> None:
    rests = 2 * STEP_SECONDS_LIMIT / MAX_LOAD
    assert rests > STILL_SECONDS
    assert built(rests - 0.1, 99.0) == [State.RUNNING] * 2
    assert built(rests + 0.1, 99.0) == [State.BLOCKED] * 2
    assert built(None, None) == [State.BLOCKED] * 2
    assert built(STILL_SECONDS + 0.1, 99.0, max_load=1.0) == [State.BLOCKED] * 2


def test_who_builds_nothing_is_not_excused_by_who_does() -> None:
    found = Generations(live=1, building=2, last=2, max_load=0.5)
    theirs = LeaseState("v", "t", 1000)
    readings = [
        reading(4, since_ms=NOW - 90_000, lease=lease)._replace(partition=number)
        for number, lease in enumerate((MINE, theirs))
    ]
    reports = {0: Report(moved=0.1), 1: Report(moved=60.0)}
    states = [each.state for each in standings(found, 2, readings, reports, NOW)]
    assert states == [State.RUNNING, State.BLOCKED]
    # The live one takes no turns: there each partition answers for itself.
    live = [each.state for each in standings(found, 1, readings, reports, NOW)]
    assert live == [State.BEHIND, State.BLOCKED]


def test_a_build_of_nobody_or_with_poison_is_told_as_such() -> None:
    found = Generations(live=1, building=2, last=2)
    readings = [reading(4, lease=NOBODYS), reading(4, parked={"order-1": 3}), reading(4)]
    readings = [each._replace(partition=number) for number, each in enumerate(readings)]
    reports = {1: Report(moved=0.1), 2: Report(moved=0.1, trouble="KeyError")}
    states = [each.state for each in standings(found, 2, readings, reports, NOW)]
    assert states == [State.UNOWNED, State.PARKED, State.RETRYING]
    paused = msgspec.structs.replace(found, state="paused")
    assert {each.state for each in standings(paused, 2, readings, reports, NOW)} == {State.PAUSED}
