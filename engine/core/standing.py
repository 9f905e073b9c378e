"""How a generation stands: what Redis holds of it in each partition, and what that comes to.

Two counts of what is left stand side by side. Ours is head less checkpoint: positions have no
gaps, so nothing hides in it, and an event that the log should have and has not is seen. The
other one is the consumer group's. It says what was handed out, not what was applied: a worker
that died had read on. What an aggregate that is parked waits for is in neither, and counted
apart.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.core.liveness import Condition, State, judge
from engine.core.records import LeaseState, Report

SEVERITY = (
    State.BLOCKED, State.UNOWNED, State.PAUSED, State.RETRYING, State.BEHIND, State.PARKED,
    State.RUNNING, State.IDLE,
)  # fmt: skip
"""States from the worst on: of many partitions the worst is what is said of all."""


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


class Summary(msgspec.Struct):
    """One generation over all partitions that were looked at; see `Standing`.

    ``state`` is the worst, ``states`` counts partitions. ``troubles`` says what keeps which.
    """

    state: State
    states: dict[str, int]
    troubles: list[str]
    behind: int
    seconds: float | None
    waits: float | None
    moved: float | None
    rate: float | None
    parked: int
    passed_over: int
    owned: int
    workers: list[str]


def standing(
    reading: Reading, report: Report | None, now_ms: int, *, is_paused: bool = False
) -> Standing:
    """How a generation fares in a partition; ``report`` is what its owner says, if anybody."""
    behind = max(0, reading.head - reading.position)
    waits = 0.0 if not behind else _age(reading.since_ms, now_ms)
    passed = _age(reading.passed_ms, now_ms) if reading.passed_over else 0.0
    said = _contradiction(reading, report) or _fares(
        reading, behind, waits or 0.0, report, is_paused
    )
    return Standing(
        reading.partition, said.state, said.why, reading.lease.node, behind,
        None if waits is None or passed is None else max(waits, passed), waits,
        report.moved if report is not None else None,
        report.rate if report is not None else None,
        len(reading.parked), reading.passed_over, reading.position, reading.head,
        reading.lease.crashes, reading.group,
    )  # fmt: skip


def summed(standings: Sequence[Standing]) -> Summary:
    """What the partitions of a generation come to."""
    states, owners = Counter(s.state for s in standings), {s.owner for s in standings if s.owner}
    return Summary(
        next((state for state in SEVERITY if states[state]), State.IDLE),
        {state.value: count for state, count in states.items()},
        [f"partition {s.partition}: {s.why}" for s in standings if s.why],
        sum(s.behind for s in standings),
        worst([s.seconds for s in standings]),
        worst([s.waits for s in standings]),
        min((s.moved for s in standings if s.moved is not None), default=None),
        total([s.rate for s in standings]),
        sum(s.parked for s in standings),
        sum(s.passed_over for s in standings),
        sum(bool(s.owner) for s in standings),
        sorted(owners),
    )


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


def together(groups: Sequence[Group | None]) -> Group | None:
    """What Redis says of all these; None where it says nothing of one."""
    known = [group for group in groups if group is not None]
    if len(known) < len(groups) or not known:
        return None
    reads, lags = [group.read for group in known], [group.lag for group in known]
    return Group(_sum(reads), _sum(lags), sum(group.pending for group in known))


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count for count in counts if count is not None)


def worst(ages: Sequence[float | None]) -> float | None:
    """The greatest age; None where one is not known, for it may be any."""
    return None if None in ages else max((age for age in ages if age is not None), default=0.0)


def total(rates: Sequence[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


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
    reading: Reading, behind: int, waits: float, report: Report | None,
    is_paused: bool,  # noqa: FBT001
) -> Condition:  # fmt: skip
    """How it fares where all is as it should be."""
    if is_paused:
        return Condition(State.PAUSED)
    said = judge(reading.lease.node, behind, waits, report)
    moved = report.moved if report is not None else None
    is_prompt = waits <= PROMPT_SECONDS or (moved is not None and moved < waits)
    if said.state is State.RUNNING and not is_prompt:
        return Condition(State.BEHIND, f"nothing moved since the oldest came, {waits:.0f} s ago")
    if reading.parked and said.state in (State.RUNNING, State.IDLE):
        return Condition(State.PARKED)
    return said


def _age(at_ms: int, now_ms: int) -> float | None:
    return max(0, now_ms - at_ms) / 1000 if at_ms else None
