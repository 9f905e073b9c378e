"""Figures as people read them, line by line."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.edge.bench import budgets
from engine.edge.bench.parts import PARTS
from engine.edge.bench.plan import Part


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """All that was measured."""
    if Part.RAW in figures:
        yield from _raw(figures["machine"], figures[Part.RAW])
    for name, part in PARTS.items():
        if name in figures:
            yield from part.tell(figures[name])
    yield from budgets.lines(budgets.held(figures))


def _raw(machine: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[str]:
    low, high = raw["per_second_range"]
    void = "" if raw["valid"] else ": the client was measured, the ratio is void"
    yield f"{machine['server']}, AOF everysec; median of {machine['runs']}"
    yield f"Python {machine['python']}, {machine['machine']}"
    yield f"raw         {raw['per_second']:>9,.0f} XADD/s      ({low:,.0f} to {high:,.0f})"
    yield f"            server busy {raw['server_share']:.0%} of the time{void}"
