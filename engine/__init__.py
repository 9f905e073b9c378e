"""semel, the words that a domain is written in.

Everything that ``handlers`` and ``projections`` need is imported from here.
"""

from engine.core.decider import Decider
from engine.core.errors import NotFound, Rejected
from engine.core.messages import Command, CommandContext, Event, EventContext, Query
from engine.core.projection import Index, Operation, Projection, Row, add, delete, put
from engine.core.views import Page, Views

__all__ = [
    "Command",
    "CommandContext",
    "Decider",
    "Event",
    "EventContext",
    "Index",
    "NotFound",
    "Operation",
    "Page",
    "Projection",
    "Query",
    "Rejected",
    "Row",
    "Views",
    "add",
    "delete",
    "put",
]
