"""Handlers with a schedule that hardly ever comes: what was missed of it is made up for."""

from engine import Schedule
from tests.runtime.bells import Remind, deciders

AGGREGATE = "bell-1"
CRON = "0 0 1 1 *"
TIMES = f"{CRON} UTC"
"""What its mark says of it."""

schedules = [
    Schedule("yearly", cron=CRON, aggregate=AGGREGATE, command=Remind(text="happy new year"))
]

__all__ = ["deciders", "schedules"]
