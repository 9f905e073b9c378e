"""How something fares: judged by what moved, and never "running" where nothing moves."""

from itertools import product

import pytest

from engine.core.balance import NOBODY
from engine.core.liveness import STILL_SECONDS, Condition, State, judge
from engine.core.records import Report

LONG = STILL_SECONDS + 2
SHORT = STILL_SECONDS / 2

MOVED = Report(moved=SHORT, busy=SHORT)
STILL = Report(moved=LONG, busy=LONG)
NEVER = Report(moved=None, busy=LONG)
FULL = Report(moved=SHORT, busy=SHORT, trouble="OOM")
STOPPED = Report(moved=None, busy=None, trouble="Torn: the log ends elsewhere", held=False)


@pytest.mark.parametrize(
    ("owner", "waiting", "waits", "report", "state"),
    [
        (NOBODY, 0, 0.0, None, State.UNOWNED),
        (NOBODY, 3, LONG, None, State.UNOWNED),
        (NOBODY, 3, LONG, MOVED, State.UNOWNED),
        ("n", 3, LONG, None, State.BLOCKED),
        ("n", 3, LONG, STILL, State.BLOCKED),
        ("n", 3, LONG, NEVER, State.BLOCKED),
        ("n", 0, 0.0, FULL, State.RETRYING),
        ("n", 3, LONG, FULL, State.RETRYING),
        ("n", 3, LONG, MOVED, State.BEHIND),
        ("n", 3, SHORT, MOVED, State.RUNNING),
        ("n", 3, SHORT, STILL, State.RUNNING),
        ("n", 3, SHORT, NEVER, State.RUNNING),
        ("n", 3, SHORT, None, State.RUNNING),
        ("n", 0, 0.0, MOVED, State.IDLE),
        ("n", 0, 0.0, STILL, State.IDLE),
        ("n", 0, 0.0, None, State.IDLE),
        ("n", 0, 0.0, STOPPED, State.BLOCKED),
        (NOBODY, 0, 0.0, STOPPED, State.BLOCKED),
    ],
)
def test_the_table(
    owner: str, waiting: int, waits: float, report: Report | None, state: State
) -> None:
    assert judge(owner, waiting, waits, report).state is state


def test_why_is_said_where_somebody_must_look() -> None:
    assert judge("n", 1, LONG, STOPPED) == Condition(State.BLOCKED, STOPPED.trouble)
    assert judge("n", 1, LONG, FULL) == Condition(State.RETRYING, "OOM")
    assert judge("n", 1, 30, STILL).why == "nothing moved for 7 s while work waits"
    assert judge("n", 1, 30, None).why == "nothing moved for 30 s while work waits"
    assert judge("n", 1, 30, MOVED).why == "the oldest waits for 30 s"
    for quiet in (judge("n", 0, 0, MOVED), judge("n", 1, SHORT, MOVED), judge(NOBODY, 1, 9, None)):
        assert quiet.why == ""


def test_nothing_runs_where_nothing_moves() -> None:
    reports = [None, MOVED, STILL, NEVER, FULL, STOPPED]
    for owner, waiting, report in product((NOBODY, "n"), (1, 1000), reports):
        state = judge(owner, waiting, LONG, report).state
        assert state not in (State.RUNNING, State.IDLE)
