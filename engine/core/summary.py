"""What the partitions of a generation come to together: the worst of them, and their sums."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.core.liveness import State
from engine.core.standing import Group, Standing

SEVERITY = (
    State.BLOCKED, State.UNOWNED, State.PAUSED, State.RETRYING, State.BEHIND, State.PARKED,
    State.RUNNING, State.IDLE,
)  # fmt: skip
"""States from the worst on: of many partitions the worst is what is said of all."""


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
