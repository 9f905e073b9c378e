"""What is counted at every commit and every step of a projection, in plain numbers.

A batch may be a single command, and the library's own counters, with a lock and a look-up by
label each, took a sixteenth of what one costs. So here numbers are only added up, by the one thread
that serves, and become metrics when somebody asks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from time import time

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.utils import floatToGoString

from engine.core.outcome import Status

_COMMIT_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""From one command on an idle server to a server that stands still."""

_BATCH_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Up to the most that ``batch_commands`` may be."""


class Spread:
    """How values are spread over buckets with these upper bounds, and one above them all."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """One more."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self._counts)

    def shown(self, name: str, about: str) -> Metric:
        """As a histogram."""
        bounds = [*map(floatToGoString, (*self._bounds, float("inf")))]
        buckets = list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
        return HistogramMetricFamily(name, about, buckets=buckets, sum_value=self._sum)


class Commits:
    """The commits of this process that are true."""

    def __init__(self) -> None:
        self._answers = dict.fromkeys(Status, 0)
        self._events = 0
        self._seconds, self._sizes = Spread(_COMMIT_SECONDS), Spread(_BATCH_COMMANDS)
        self._moved: dict[int, float] = {}

    def count(self, partition: int, answers: Iterable[Status], events: int, seconds: float) -> None:
        """Count one: what its commands were answered, what follows, how long it took."""
        size = 0
        for status in answers:
            self._answers[status] += 1
            size += 1
        self._events += events
        self._seconds.add(seconds)
        self._sizes.add(size)
        self._moved[partition] = time()

    def forget(self, partition: int) -> None:
        """A partition is not served here any more: say no more of it."""
        self._moved.pop(partition, None)

    def collect(self) -> Iterable[Metric]:
        """All of it as metrics."""
        yield CounterMetricFamily(
            "semel_commits", "Commits that were answered.", value=self._seconds.count
        )
        yield self._seconds.shown("semel_commit_seconds", "From sending a commit to its answer.")
        yield self._sizes.shown("semel_batch_commands", "Commands in a commit.")
        commands = CounterMetricFamily(
            "semel_commands", "Commands that were answered.", labels=["status"]
        )
        for status, count in self._answers.items():
            commands.add_metric([status], count)
        yield commands
        yield CounterMetricFamily("semel_events", "Events that were committed.", value=self._events)
        moved = GaugeMetricFamily(
            "semel_partition_moved_timestamp_seconds",
            "When a partition of this process last committed, in seconds since 1970.",
            labels=["partition"],
        )
        for partition, at in list(self._moved.items()):
            moved.add_metric([str(partition)], at)
        yield moved


class Steps:
    """The steps of projections in this process."""

    def __init__(self) -> None:
        self._events: defaultdict[str, int] = defaultdict(int)
        self._steps: defaultdict[str, int] = defaultdict(int)
        self._moved: dict[tuple[str, int], float] = {}

    def count(self, projection: str, partition: int, events: int) -> None:
        """Count one step in one partition."""
        self._events[projection] += events
        self._steps[projection] += 1
        self._moved[projection, partition] = time()

    def forget(self, projection: str, partition: int) -> None:
        """A partition is not followed here any more: say no more of it."""
        self._moved.pop((projection, partition), None)

    def collect(self) -> Iterable[Metric]:
        """All of it as metrics."""
        of_each = ["projection"]
        events = CounterMetricFamily(
            "semel_projection_events", "Events that were applied to a projection.", labels=of_each
        )
        steps = CounterMetricFamily(
            "semel_projection_batches", "Steps in which they were applied.", labels=of_each
        )
        for family, counts in ((events, self._events), (steps, self._steps)):
            for name, count in list(counts.items()):
                family.add_metric([name], count)
            yield family
        moved = GaugeMetricFamily(
            "semel_projection_moved_timestamp_seconds",
            "When a projection last applied events of a partition here, in seconds since 1970.",
            labels=["projection", "partition"],
        )
        for (name, partition), at in list(self._moved.items()):
            moved.add_metric([name, str(partition)], at)
        yield moved
