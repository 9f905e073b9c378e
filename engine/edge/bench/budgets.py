"""The budgets, and what of them a run has met."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec


class Budget(NamedTuple):
    """What is bounded: ``where`` names the figure, as it stands in the JSON; words are people's."""

    what: str
    where: str
    bound: float
    unit: str
    is_least: bool = False
    """Whether the figure must be as much at the least; else at the most."""


BUDGETS: Sequence[Budget] = (
    Budget("engine", "engine.ratio_to_raw", 0.15, "x raw", is_least=True),
    Budget("durable drain", "durability.always_to_everysec", 0.8, "x everysec", is_least=True),
    Budget("projection", "projection.ratio_to_raw", 0.15, "x raw", is_least=True),
    Budget("rebuild", "rebuild.ratio_to_projection", 1.0, "x projection", is_least=True),
    Budget("idle outcome p50", "latency.outcome_p50_to_echo", 1.5, "x echo's p50"),
    Budget("idle outcome p99", "latency.outcome_p99_to_echo", 2.0, "x echo's p99"),
    Budget("p99 at half load", "latency.loaded.half_p99_to_p50", 5.0, "x p50"),
    Budget("64 in flight", "concurrent.few_ratio_to_raw", 0.02, "x raw", is_least=True),
    Budget("512 in flight", "concurrent.ratio_to_raw", 0.035, "x raw", is_least=True),
    Budget("fresh view p99", "latency.view_p99_to_echo_p50", 10.0, "x echo's p50"),
    Budget("takeover", "takeover.worst", 2.0, "s"),
    Budget("aggregate's stream", "memory.footprint.stream_bytes", 1536, "bytes"),
    Budget("growth by aggregates", "growth.aggregates.growth", 1.15, "x the first"),
    Budget("growth by versions", "growth.versions.growth", 1.15, "x the first"),
    Budget("start-up", "startup.seconds_to_first", 3.0, "s"),
)
"""Rows that need peers are measured beside those, by ``tests/benchmarks``."""


class Held(msgspec.Struct, frozen=True):
    """One budget beside what was measured; ``share`` is 1 at the bound and more beyond it."""

    what: str
    figure: str
    value: float
    budget: float
    unit: str
    is_least: bool
    is_met: bool

    @property
    def share(self) -> float:
        """How far the figure is: 1 is the budget, more is better."""
        part, whole = (self.value, self.budget) if self.is_least else (self.budget, self.value)
        return part / whole if whole else 0.0


def held(figures: Mapping[str, Any]) -> list[Held]:
    """The budgets of which there is a figure, in their order."""
    found = ((budget, _figure(figures, budget.where)) for budget in BUDGETS)
    return [
        Held(
            budget.what, budget.where, value, budget.bound, budget.unit, budget.is_least,
            value >= budget.bound if budget.is_least else value <= budget.bound,
        )
        for budget, value in found
        if value is not None
    ]  # fmt: skip


def _figure(figures: Mapping[str, Any], where: str) -> float | None:
    found: Any = figures
    for name in where.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return float(found)


def lines(each: Sequence[Held]) -> Iterator[str]:
    """The table that a run ends with."""
    for one in each:
        sign = "≥" if one.is_least else "≤"
        verdict = "met" if one.is_met else "missed"
        yield (
            f"budget      {one.what:<21} {one.value:>10,.3f} {sign} {one.budget:>9,.3f} "
            f"{one.unit:<13} {verdict}"
        )
