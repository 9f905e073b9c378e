"""The metrics of timers; see `engine.telemetry.metrics`."""

from collections.abc import Iterable

from prometheus_client import Gauge, Histogram

from engine.telemetry.metrics import REGISTRY

_LATE_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300)
"""From a timer that fires at its time to those that were due while nobody served."""

TIMERS = Gauge(
    "semel_timers",
    "Timers that are set in a partition of this process, and have not fired.",
    ["partition"],
    registry=REGISTRY,
)
OVERDUE = Gauge(
    "semel_timer_overdue_seconds",
    "How long the first of these has been due; 0 where none is.",
    ["partition"],
    registry=REGISTRY,
)
LATE = Histogram(
    "semel_timer_late_seconds",
    "How long after its time a timer became a command, by Redis's clock.",
    registry=REGISTRY,
    buckets=_LATE_SECONDS,
)


def count(partition: int, late_ms: Iterable[int], left: int, overdue: float) -> None:
    """Count timers that have fired, each by how late it was, and those that have not."""
    for late in late_ms:
        LATE.observe(late / 1000)
    TIMERS.labels(partition).set(left)
    OVERDUE.labels(partition).set(overdue)


def hide(partition: int) -> None:
    """Say nothing more of a partition's timers: somebody else does."""
    TIMERS.remove(partition)
    OVERDUE.remove(partition)
