"""What a process says of itself: log events and metrics, each declared in one place."""

from engine.telemetry.logs import EVENTS, configure, configure_for_scripts, log

__all__ = ["EVENTS", "configure", "configure_for_scripts", "log"]
