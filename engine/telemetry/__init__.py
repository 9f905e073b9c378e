"""What a process says of itself: log events and metrics, each declared in one place."""

from engine.telemetry.logs import EVENTS, configure, log

__all__ = ["EVENTS", "configure", "log"]
