"""Everything dies, freezes and breaks at random, and every command still has its effect once.

FAULTS_SECONDS and FAULTS_SEED in the environment say how long and which; ``make faults``
sets them. FAULTS_WITH names, with commas, kinds of fault that are not in the mix by itself.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.chaos import MIXED, Tracks, mixed_with, ordeal, schedule
from tests.faults.clock import library
from tests.faults.conftest import tell
from tests.faults.report import Report
from tests.faults.strikes import ON_DEMAND, PROCESSES

SECONDS = float(os.environ.get("FAULTS_SECONDS") or 60)
"""With the scenarios beside it this keeps the suite within two minutes."""

SEED = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(1_000_000))
EXTRA = [kind.strip() for kind in os.environ.get("FAULTS_WITH", "").split(",") if kind.strip()]

_ROUND_SECONDS = 30
"""By then each kind of fault has had its turn, slow machines included."""

_ANSWERS_PER_SECOND = 25
"""A quarter of what two busy cores answer in the midst of it."""

_DEAL_SECONDS = 30
"""So often each branch of a transfer was taken, and a timer met each fate: a third of what is."""

_STALL_SECONDS = 20
"""Two seconds of a takeover, behind the longest fault, behind ten until a dead link is noticed."""

_FLIP_SECONDS = 15
"""So often a build must have gone live, for all that is killed: half as often as one is begun."""

pytestmark = pytest.mark.alone

TAIL_LOST: Tracks = {"surroundings": {"tail lost": ON_DEMAND["tail lost"]}}


def check(report: Report, kinds: Sequence[str], **least: int) -> None:
    """Nothing is wrong, and it was a real ordeal."""
    assert not report.verdict.faults, "\n".join(report.verdict.faults[:20])
    answers = int(report.seconds * _ANSWERS_PER_SECOND)
    missing = report.too_little(kinds, answers=answers, **least)
    assert not missing, missing
    for role, stall in report.seen.longest.items():
        assert stall.seconds < _STALL_SECONDS, f"{role}: nothing moved for {stall}"


@pytest.mark.timeout(3 * SECONDS + 120)
async def test_every_command_has_its_effect_once(
    evidence: Path, pytestconfig: pytest.Config
) -> None:
    tracks = mixed_with(EXTRA)
    report = await ordeal(evidence, SEED, SECONDS, tracks)
    tell(pytestconfig, str(report))
    check(
        report, [kind for kinds in tracks.values() for kind in kinds],
        times=int(SECONDS / _ROUND_SECONDS), takeovers=int(SECONDS / 2),
        flips=int(SECONDS / _FLIP_SECONDS), business=int(SECONDS / _DEAL_SECONDS),
    )  # fmt: skip


@pytest.mark.timeout(120)
async def test_a_tail_is_lost_and_nothing_else(evidence: Path, pytestconfig: pytest.Config) -> None:
    """The server is replaced by a copy of itself from a second ago.

    What was answered before that copy was made is still true; nothing is skipped or invented.
    """
    report = await ordeal(evidence, SEED, 8, TAIL_LOST)
    tell(pytestconfig, str(report))
    check(report, ["tail lost"], times=2, takeovers=0, flips=0, business=0)


def test_clock_steps_are_in_the_mix() -> None:
    if library() is None and not os.environ.get("CI"):
        pytest.skip("libfaketime is missing: the server's clock cannot be stepped")
    assert "clock stepped" in MIXED["surroundings"]


def test_a_seed_is_a_schedule() -> None:
    once, again = (list(schedule(7, "processes", 60, PROCESSES)) for _ in range(2))
    assert once == again
    assert once != list(schedule(8, "processes", 60, PROCESSES))
    assert once[: len(PROCESSES)] != once[len(PROCESSES) : 2 * len(PROCESSES)]


@pytest.mark.parametrize("track", MIXED)
def test_each_kind_of_fault_has_its_turn(track: str) -> None:
    for seed in range(20):
        kinds = {fault.kind for fault in schedule(seed, track, _ROUND_SECONDS, MIXED[track])}
        assert kinds == set(MIXED[track])
