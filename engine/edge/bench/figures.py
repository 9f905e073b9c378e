"""What is made of many measurements: percentiles, medians of runs, and what more workers reach."""

import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Self

import msgspec
from msgspec import structs

RANGED = ("per_second", "ratio_to_raw", "growth", "seconds_to_first")
"""Ends of names of figures of which the least and the most are said too: they tell how calm the
machine was."""

WORKERS = (2, 4, 8)
"""Numbers of workers that one worker's costs are extrapolated to."""


class Latency(msgspec.Struct, frozen=True):
    """How long so many things took, in milliseconds."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """Of times in seconds; all zero where there are none."""
        ordered = sorted(each * 1000 for each in seconds)
        if not ordered:
            return cls(0, 0.0, 0.0, 0.0)
        p50, p99 = percentile(ordered, 0.5), percentile(ordered, 0.99)
        return cls(len(ordered), round(p50, 3), round(p99, 3), round(ordered[-1], 3))


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """So many a second, and how much of raw that is."""

    per_second: float
    ratio_to_raw: float = 0.0

    def beside(self, raw: float) -> Self:
        """The same with its ratio, raw being so many a second."""
        return structs.replace(self, ratio_to_raw=ratio(self.per_second, raw))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that so large a share of all does not exceed: one that was measured."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def with_workers(number: int, per_second: float, server_us: float) -> float:
    """Events per second of so many workers, each on a core of its own, and Redis on one.

    ::

        rate(n) = min(n x rate(1), 1,000,000 / server_us)

    Each adds what one does, until the server's own time per event fills its core: it runs
    scripts one after the other. So a rate above that cannot be had from one server.
    """
    return min(number * per_second, 1e6 / server_us)


def extrapolated(per_second: float, server_us: float) -> dict[str, float]:
    """What `WORKERS` would reach, by their number."""
    return {str(n): with_workers(n, per_second, server_us) for n in WORKERS}


def middle(runs: Sequence[msgspec.Struct]) -> dict[str, Any]:
    """The median of each figure, and the least and the most of those in `RANGED`."""
    return _medians([structs.asdict(run) for run in runs])


def _medians(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, first in runs[0].items():
        values = [run[name] for run in runs]
        if isinstance(first, msgspec.Struct):
            said[name] = middle(values)
        elif isinstance(first, Mapping):
            said[name] = _medians(values)
        else:
            said[name] = first if all(each == first for each in values) else median(values)
        if name.endswith(RANGED):
            said[f"{name}_range"] = [min(values), max(values)]
    return said


def ratio(part: float, whole: float) -> float:
    """One figure beside another; nothing where there is no other."""
    return part / whole if whole else 0.0


def facts() -> dict[str, Any]:
    """What a figure should be read with."""
    return {
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
    }
