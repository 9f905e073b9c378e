"""How figures are put into lines: what several parts say in the same way."""

from collections.abc import Iterator, Mapping
from typing import Any


def rate(part: str, unit: str, who: str, said: Mapping[str, Any]) -> Iterator[str]:
    """A rate with its spread, what one costs whoever does it and the server, and the ratio."""
    lowest, highest = said["ratio_to_raw_range"]
    yield spread(part, unit, "", said)
    for each in (who, "server"):
        cost, share = said[f"{each}_us"], said[f"{each}_share"]
        yield f"            {each}: {cost:.1f} us each, busy {share:.0%} of the time"
    yield f"            {said['ratio_to_raw']:.3f} x raw ({lowest:.3f} to {highest:.3f})"


def spread(part: str, unit: str, mark: str, said: Mapping[str, Any]) -> str:
    """So many a second, with the least and the most; ``mark`` begins the figure's name."""
    low, high = said[f"{mark}per_second_range"]
    return f"{part:<11} {said[f'{mark}per_second']:>9,.0f} {unit:<11} ({low:,.0f} to {high:,.0f})"


def times(name: str, latency: Mapping[str, Any]) -> str:
    """Latencies, in one line."""
    return (
        f"{name:<26} p50 {latency['p50']:>8.2f} ms   p99 {latency['p99']:>8.2f} ms   "
        f"max {latency['max']:>8.2f} ms   ({latency['count']:,})"
    )
