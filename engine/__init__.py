"""semel: the words that a domain is written in, and the way in for clients.

Everything that ``handlers`` and ``projections`` need is imported from here. So is
`connect`, the Python SDK, with the names of what it gives, and `Submit`, one command of many;
they are loaded when they are first used, so that a domain needs no Redis client. What a domain is
tested with is in `engine.testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.core.decider import Decider
from engine.core.effects import Effect, EffectContext
from engine.core.errors import (
    Behind,
    Deferred,
    Failed,
    HistoryLost,
    Misuse,
    NotFound,
    Parked,
    Rejected,
    SemelError,
    Unavailable,
    Unknown,
    VersionConflict,
)
from engine.core.messages import Command, CommandContext, Event, EventContext, Query
from engine.core.outcome import Outcome, Receipt, Status
from engine.core.projection import Index, Operation, Projection, Row, add, append, delete, put
from engine.core.reacting import Rejection, Router, Send, send
from engine.core.retry import Retry
from engine.core.schedules import Schedule
from engine.core.services import Clock, Ids, Queries, ServiceContext
from engine.core.timers import TimerChange, cancel_timer, set_timer
from engine.core.upcasting import Upcaster
from engine.core.views import Page, Views

if TYPE_CHECKING:
    from engine.app import connect
    from engine.edge.batch import Submit
    from engine.edge.client import Client, QueryBus
    from engine.edge.command_bus import CommandBus

__all__ = [
    "Behind",
    "Client",
    "Clock",
    "Command",
    "CommandBus",
    "CommandContext",
    "Decider",
    "Deferred",
    "Effect",
    "EffectContext",
    "Event",
    "EventContext",
    "Failed",
    "HistoryLost",
    "Ids",
    "Index",
    "Misuse",
    "NotFound",
    "Operation",
    "Outcome",
    "Page",
    "Parked",
    "Projection",
    "Queries",
    "Query",
    "QueryBus",
    "Receipt",
    "Rejected",
    "Rejection",
    "Retry",
    "Router",
    "Row",
    "Schedule",
    "SemelError",
    "Send",
    "ServiceContext",
    "Status",
    "Submit",
    "TimerChange",
    "Unavailable",
    "Unknown",
    "Upcaster",
    "VersionConflict",
    "Views",
    "add",
    "append",
    "cancel_timer",
    "connect",
    "delete",
    "put",
    "send",
    "set_timer",
]


_SDK = {
    "connect": "engine.app",
    "Submit": "engine.edge.batch",
    "CommandBus": "engine.edge.command_bus",
    **dict.fromkeys(("Client", "QueryBus"), "engine.edge.client"),
}


def __getattr__(name: str) -> Any:
    """Load the SDK when it is asked for."""
    if name in _SDK:
        return getattr(import_module(_SDK[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
