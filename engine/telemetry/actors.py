"""Metrics of actors: how many are in memory, and what snapshots do for them."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge

from engine.telemetry.metrics import REGISTRY

ACTORS = Gauge(
    "semel_actors", "Aggregates in memory, of a partition of this process.", ["partition"],
    registry=REGISTRY,
)  # fmt: skip
ACTORS_BYTES = Gauge(
    "semel_actors_bytes", "What they take, by estimate.", ["partition"], registry=REGISTRY
)
ACTORS_EVICTED = Counter(
    "semel_actors_evicted_total",
    "Aggregates that left memory to make room, by the bound that asked for it.",
    ["bound"],
    registry=REGISTRY,
)
SNAPSHOTS = Counter(
    "semel_snapshots_total", "Snapshots that were due, by what became of them.", ["result"],
    registry=REGISTRY,
)  # fmt: skip
SNAPSHOTS_IGNORED = Counter(
    "semel_snapshots_ignored_total",
    "Snapshots that were found and not believed, by why: the events were read instead.",
    ["reason"],
    registry=REGISTRY,
)


def show_actors(partition: int, count: Callable[[], int], size: Callable[[], int]) -> None:
    """Say how many actors a partition has in memory, and what they take, whenever asked."""
    ACTORS.labels(partition).set_function(count)
    ACTORS_BYTES.labels(partition).set_function(size)


def forget_actors(partition: int) -> None:
    """A partition is not served here any more: say no more of its actors."""
    ACTORS.remove(partition)
    ACTORS_BYTES.remove(partition)
