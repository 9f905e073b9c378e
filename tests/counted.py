"""What is counted from now on: a process has one set of metrics, and tests share a process."""

from engine.telemetry.metrics import REGISTRY


class Counted:
    """Metrics since this was made; they are named as Prometheus has them."""

    def __init__(self) -> None:
        self._before = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
        }

    def more(self, name: str, **labels: str) -> float:
        """By how much one has grown."""
        return self.now(name, **labels) - self._before.get((name, frozenset(labels.items())), 0.0)

    @staticmethod
    def now(name: str, **labels: str) -> float:
        """What one is; 0 where it is not there."""
        return REGISTRY.get_sample_value(name, labels) or 0.0
