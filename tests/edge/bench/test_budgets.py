"""Budgets beside figures, and the picture of them: pure, on figures that are made up."""

from typing import Any
from xml.etree import ElementTree as ET

from engine.edge.bench import budgets
from engine.edge.bench.budgets import BUDGETS, held
from engine.edge.bench.parts.scale import model
from engine.edge.bench.picture import svg
from engine.edge.bench.plan import Part

FIGURES: dict[str, Any] = {
    "machine": {"machine": "2 x <x86_64>", "server": "Valkey"},
    "engine": {"ratio_to_raw": 0.15},
    "durability": {"always_to_everysec": 0.4, "ratio_to_raw": 0.05},
    "latency": {"outcome_p50_to_echo": 1.5, "outcome_p99_to_echo": 4.0},
}


def test_a_figure_at_its_bound_has_met_it() -> None:
    said = {each.what: (each.is_met, each.share) for each in held(FIGURES)}
    assert said == {
        "engine": (True, 1.0),
        "durable drain": (False, 0.5),
        "idle outcome p50": (True, 1.0),
        "idle outcome p99": (False, 0.5),
    }


def test_every_budget_is_of_a_part() -> None:
    assert {budget.where.split(".")[0] for budget in BUDGETS} <= {*Part}


def test_what_was_not_measured_has_no_line() -> None:
    assert [line.split()[-1] for line in budgets.lines(held(FIGURES))] == [
        "met", "missed", "met", "missed",
    ]  # fmt: skip
    assert held({}) == []


def test_a_picture_has_a_bar_for_each_budget_and_ratio() -> None:
    root = ET.fromstring(svg(FIGURES, held(FIGURES)))  # noqa: S314 -- our own
    bars = root.findall("{*}rect")[1:]
    assert len(bars) == 4 + 2
    colours = [bar.get("fill") for bar in bars[:4]]
    assert colours[0] == colours[2] != colours[1] == colours[3]
    texts = [text.text for text in root.findall("{*}text")]
    assert "semel bench: 2 x <x86_64>, Valkey" in texts
    assert "0.050 x raw" in texts


def test_a_picture_says_large_numbers_whole() -> None:
    figures = {"memory": {"footprint": {"stream_bytes": 1952.0}}}
    assert "1,952 bytes, budget 1,536" in svg(figures, held(figures))


def test_a_picture_of_nothing_is_one() -> None:
    assert ET.fromstring(svg({}, [])).findall("{*}rect")  # noqa: S314 -- our own


def test_larger_machines_are_limited_by_what_is_full_first() -> None:
    # 50 us of an engine, 25 us of a server: a master takes 40,000/s, an engine makes 20,000/s.
    said = model(50, 25)
    assert said["8"] == {"1": 40_000, "3": 120_000, "12": 120_000, "100": 120_000}
    assert said["64"]["100"] == 62 * 20_000
