"""A guard against gross loss of speed: a short form of the bench beside what it was once.

It fails where a figure is less than half of the recorded one, since machines differ. Rates need
free cores, which tests seldom have; so what is held against the record are costs: how much of
raw's CPU time per XADD one command costs. A rate counts only where raw's does. To record anew, on
a calm machine: ``BENCH_RECORD=1 .venv/bin/pytest tests/test_bench_guard.py``.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command_line import Semel

RECORD = Path("tests/data/bench_ratios.json")

SHORT = ["raw", "submit", "engine", "--commands", "20000", "--runs", "1", "-o", "json"]

LEAST = 0.5
"""Of what is recorded."""

RATES = ("engine_rate", "submit_rate")

ATTEMPTS = 4
"""A neighbour may take the machine during one; a real loss is there in each."""

pytestmark = pytest.mark.alone


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    """What is held against the record: the more the better."""
    raw, engine, submit = figures["raw"], figures["engine"], figures["submit"]
    xadd_us = raw["server_share"] / raw["per_second"] * 1e6
    return {
        "engine_cost": xadd_us / engine["engine_us"],
        "server_cost": xadd_us / engine["server_us"],
        "submit_cost": xadd_us / submit["client_us"],
        "engine_rate": engine["ratio_to_raw"],
        "submit_rate": submit["ratio_to_raw"],
    }


def lost(now: dict[str, float], then: dict[str, float], *, rates_count: bool) -> list[str]:
    """What has become less than half of what it was, in words."""
    return [
        f"{name} was {was:.4f} and is {now[name]:.4f}: less than {LEAST:g} of it"
        for name, was in then.items()
        if now[name] < was * LEAST and (rates_count or name not in RATES)
    ]


def measured() -> tuple[dict[str, float], bool]:
    """The ratios of one short run, and whether its rates count."""
    said = Semel("redis://nobody.invalid", "unused").process("bench", *SHORT)
    assert said.code == 0, said.err
    return ratios(said.data), said.data["raw"]["valid"]


@pytest.mark.timeout(240)
def test_nothing_has_become_twice_as_slow(valkey_binary: object) -> None:  # noqa: ARG001 -- as benches do
    now, rates_count = measured()
    if os.environ.get("BENCH_RECORD"):
        RECORD.write_text(
            json.dumps({n: round(value, 4) for n, value in now.items()}, indent=2) + "\n"
        )
    then = json.loads(RECORD.read_text())
    assert now.keys() == then.keys(), "record anew, as this file says"
    losses = [lost(now, then, rates_count=rates_count)]
    while losses[-1] and len(losses) < ATTEMPTS:
        now, rates_count = measured()
        losses.append(lost(now, then, rates_count=rates_count))
    assert losses[-1] == [], losses


def test_a_loss_is_named_and_a_rate_of_a_busy_machine_does_not_count() -> None:
    then = {"engine_cost": 0.1, "engine_rate": 0.1}
    assert lost({"engine_cost": 0.05, "engine_rate": 0.05}, then, rates_count=True) == []
    slow = {"engine_cost": 0.049, "engine_rate": 0.04}
    assert [each.split()[0] for each in lost(slow, then, rates_count=True)] == [*then]
    assert [each.split()[0] for each in lost(slow, then, rates_count=False)] == ["engine_cost"]
