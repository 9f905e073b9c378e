"""What the floors above need of a store, as Protocols: here the floors meet.

A `Session` is one scope of doubt: everything read through it came from one server over
unbroken connections. When any of them breaks every call raises `Lost`, and the session is
thrown away whole.

Stream ids are text, ``<ms>-<seq>``. Bytes stay bytes until the core has judged them.
"""

from engine.core.ports.building import Builds
from engine.core.ports.evidence import Evidence
from engine.core.ports.ledger import Histories, Ledger
from engine.core.ports.owning import Leases, Lifeline, Roster
from engine.core.ports.querying import Checkpoints, Rows
from engine.core.ports.reacting import ReactionLog, Submission
from engine.core.ports.reading import Log, LogReader
from engine.core.ports.schedules import Occurrences
from engine.core.ports.schemas import Schemas
from engine.core.ports.session import Session
from engine.core.ports.snapshots import Snapshots
from engine.core.ports.streams import Feed, Inbox, StreamLook, Subscription
from engine.core.ports.timers import TimerLook, Timers
from engine.core.ports.watching import Alarms, Readings

__all__ = [
    "Alarms",
    "Builds",
    "Checkpoints",
    "Evidence",
    "Feed",
    "Histories",
    "Inbox",
    "Leases",
    "Ledger",
    "Lifeline",
    "Log",
    "LogReader",
    "Occurrences",
    "ReactionLog",
    "Readings",
    "Roster",
    "Rows",
    "Schemas",
    "Session",
    "Snapshots",
    "StreamLook",
    "Submission",
    "Subscription",
    "TimerLook",
    "Timers",
]
