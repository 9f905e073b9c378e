"""How a generation stands: what Redis holds of it in each partition, and what that comes to.

Two counts of what is left stand side by side. Ours is head less checkpoint: positions have no
gaps, so nothing hides in it, and an event that the log should have and has not is seen. The
other one is the consumer group's. It says what was handed out, not what was applied: a worker
that died had read on. What an aggregate that is parked waits for is in neither, and counted
apart.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.core.generations import Generations
from engine.core.liveness import STILL_SECONDS, Condition, State, judge
from engine.core.records import LeaseState, Report

STEP_SECONDS_LIMIT = 0.1
"""What a step of a build is taken to cost at the most: what takes longer waits for others."""

PROMPT_SECONDS = 1.0
"""An event is applied within milliseconds: what has moved nothing for longer does not run."""


class Group(msgspec.Struct, frozen=True):
    """What Redis says of a generation's consumer group; ``lag`` is None where it cannot tell."""

    read: int | None
    lag: int | None
    pending: int


class Reading(NamedTuple):
    """One generation in one partition as Redis holds it, all of one moment.

    ``next`` is the position of the first event that the log has above the checkpoint, 0 for
    none, and ``since_ms`` when its command came. ``parked`` says from which position on none
    of an aggregate's events is applied; ``passed_over`` counts these events, the oldest of
    which came at ``passed_ms``, where anybody counted. ``fault`` is why nothing can be read.
    """

    partition: int
    lease: LeaseState
    position: int = 0
    head: int = 0
    next: int = 0
    since_ms: int = 0
    parked: Mapping[str, int] = {}
    passed_over: int = 0
    passed_ms: int = 0
    group: Group | None = None
    fault: str = ""


class Standing(msgspec.Struct):
    """One generation in one partition, judged. Ages are in seconds, None where nobody knows.

    ``behind`` counts events that were not read yet, the oldest of which has waited for
    ``waits``; ``seconds`` is the age of the oldest event that the rows lack, for whatever
    reason. ``moved`` is the age of the last progress, ``rate`` events a second.
    """

    partition: int
    state: State
    why: str
    owner: str
    behind: int
    seconds: float | None
    waits: float | None
    moved: float | None
    rate: float | None
    parked: int
    passed_over: int
    position: int
    head: int
    crashes: int
    group: Group | None


class Turns(NamedTuple):
    """How a build's partitions take turns in one process; between its steps it rests.

    ``moved`` is when any of them last moved, in seconds; without that for longer than
    ``still`` the build stands still.
    """

    moved: float | None
    still: float


def standings(
    found: Generations, number: int, readings: Sequence[Reading],
    reports: Mapping[int, Report], now_ms: int,
) -> list[Standing]:  # fmt: skip
    """How a generation fares in partitions; ``reports`` is what is said of them, if anything."""
    turns = _turns(found, readings, reports) if number == found.building else {}
    return [
        standing(
            reading, reports.get(reading.partition), now_ms, is_paused=found.is_paused,
            turns=turns.get(reading.lease.node),
        )
        for reading in readings
    ]  # fmt: skip


def standing(
    reading: Reading, report: Report | None, now_ms: int, *, is_paused: bool = False,
    turns: Turns | None = None,
) -> Standing:  # fmt: skip
    """How a generation fares in a partition; ``report`` is what its owner says, if anybody."""
    behind = max(0, reading.head - reading.position)
    waits = 0.0 if not behind else _age(reading.since_ms, now_ms)
    passed = _age(reading.passed_ms, now_ms) if reading.passed_over else 0.0
    said = _contradiction(reading, report)
    if said is None and is_paused:
        said = Condition(State.PAUSED)
    if said is None:
        said = _fares(reading, behind, waits or 0.0, report, turns)
    return Standing(
        reading.partition, said.state, said.why, reading.lease.node, behind,
        None if waits is None or passed is None else max(waits, passed), waits,
        report.moved if report is not None else None,
        report.rate if report is not None else None,
        len(reading.parked), reading.passed_over, reading.position, reading.head,
        reading.lease.crashes, reading.group,
    )  # fmt: skip


def disagreement(standing: Standing) -> str:
    """What the consumer group says that cannot be, or need not be believed; empty if nothing.

    A worker reads ahead, so its group has less left than its checkpoint. More is not possible,
    and of what is read nothing is ever left pending.
    """
    group, owned = standing.group, bool(standing.owner)
    if group is None:
        return "its consumer group is gone" if owned and standing.position else ""
    if group.pending:
        return (
            f"{group.pending} entries are pending in its consumer group, where workers leave none: "
            f"somebody else reads with it"
        )
    if group.lag is None or group.lag == standing.behind or (owned and group.lag < standing.behind):
        return ""
    return (
        f"Redis says that {group.lag} events are left for its consumer group, the checkpoint says "
        f"{standing.behind}: the checkpoint is what counts"
    )


def _contradiction(reading: Reading, report: Report | None) -> Condition | None:
    """What cannot be as it is: it stands still, or soon will, whatever anybody says."""
    if reading.fault:
        return Condition(State.BLOCKED, f"it cannot be read: {reading.fault}")
    if report is not None and not report.held:
        return Condition(State.BLOCKED, report.trouble)
    if reading.position > reading.head:
        return Condition(
            State.BLOCKED,
            f"it has applied position {reading.position}, and the log ends at {reading.head}: "
            f"history was lost. Build it anew: `semel projection rebuild`",
        )
    expected = reading.position + 1
    if reading.head >= expected != reading.next:
        return Condition(
            State.BLOCKED,
            f"position {expected} is missing from the log, which reaches {reading.head}: "
            f"`semel verify` says what else is",
        )
    return None


def _fares(
    reading: Reading, behind: int, waits: float, report: Report | None, turns: Turns | None
) -> Condition:
    """How it fares where all is as it should be."""
    owner = reading.lease.node
    if turns is not None:
        said = judge(owner, behind, waits, _with(report, turns.moved), turns.still)
        if said.state is State.BEHIND:  # by nature, and on its way
            said = Condition(State.RUNNING)
    else:
        said = judge(owner, behind, waits, report)
        moved = report.moved if report is not None else None
        is_prompt = waits <= PROMPT_SECONDS or (moved is not None and moved < waits)
        if said.state is State.RUNNING and not is_prompt:
            why = f"nothing moved since the oldest came, {waits:.0f} s ago"
            return Condition(State.BEHIND, why)
    if reading.parked and said.state in (State.RUNNING, State.IDLE):
        return Condition(State.PARKED)
    return said


def _with(report: Report | None, moved: float | None) -> Report:
    return msgspec.structs.replace(report or Report(), moved=moved)


def _turns(
    found: Generations, readings: Sequence[Reading], reports: Mapping[int, Report]
) -> dict[str, Turns]:
    """Of each process that builds: one partition's progress stands for all that it has."""
    moved: dict[str, list[float]] = {}
    for reading in readings:
        ages, report = moved.setdefault(reading.lease.node, []), reports.get(reading.partition)
        if report is not None and report.moved is not None:
            ages.append(report.moved)
    # Each rests for as long as its share asks for, and they share what the build may take.
    rests = 2 * STEP_SECONDS_LIMIT * max(1, len(moved)) / found.max_load
    still = max(STILL_SECONDS, rests)
    return {node: Turns(min(ages, default=None), still) for node, ages in moved.items()}


def _age(at_ms: int, now_ms: int) -> float | None:
    return max(0, now_ms - at_ms) / 1000 if at_ms else None
