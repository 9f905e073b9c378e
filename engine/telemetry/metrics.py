"""Metrics, declared in one place: each one's name, what it counts, by which labels.

One process, one `REGISTRY`, as there is one log: whoever does a thing counts it here. No
label ever holds what clients make up (aggregates, ids): a series costs memory for as long
as its process lives. What is counted at each commit and each step is added up by
`engine.telemetry.tallies`. Nothing is counted per command, but for each commit as a whole, after
it is true. A commit whose fate is unknown is not counted, whatever became of it.
"""

import re
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge

from engine.telemetry.tallies import Commits, Steps

REGISTRY = CollectorRegistry(auto_describe=True)
"""All of semel's metrics and nobody else's: a program that embeds semel keeps its own apart. It
asks tallies for their names, as metrics of the library tell theirs."""

_CODE = re.compile(r"[A-Z]{3,}(?= )")
"""The code of an error reply. redis-py cuts off ERR, which is what stays then."""

# -- The process ------------------------------------------------------------------------

BUILD = Gauge(
    "semel_build_info", "Always 1; the label says what runs.", ["version"], registry=REGISTRY
)
LOOP_LAG = Gauge(
    "semel_loop_lag_seconds",
    "How late the event loop was, at its worst within the last ten seconds.",
    registry=REGISTRY,
)
SESSIONS = Counter(
    "semel_sessions_total", "Sessions with Redis that were begun.", registry=REGISTRY
)
SESSIONS_BROKEN = Counter(
    "semel_session_broken_total",
    "Sessions that ended in doubt, by the kind of doubt: all known on them was forgotten.",
    ["reason"], registry=REGISTRY,
)  # fmt: skip
REDIS_REFUSED = Counter(
    "semel_redis_refused_total",
    "Error replies of Redis and of semel's scripts, by their code.",
    ["code"], registry=REGISTRY,
)  # fmt: skip

# -- Leases -----------------------------------------------------------------------------

LEASES_HELD = Gauge(
    "semel_leases_held", "Leases that this process holds now.", ["kind"], registry=REGISTRY
)
LEASES_ACQUIRED = Counter(
    "semel_leases_acquired_total", "Leases that were acquired.", ["kind"], registry=REGISTRY
)
LEASES_LOST = Counter(
    "semel_leases_lost_total",
    "Leases that ended without being asked to, by what ended them.",
    ["kind", "reason"], registry=REGISTRY,
)  # fmt: skip

STUCK = Gauge(
    "semel_stuck_seconds",
    "How long the worst of what this process serves has had work and got nothing done.",
    ["kind"], registry=REGISTRY,
)  # fmt: skip

# -- Commands ---------------------------------------------------------------------------

COMMITS = Commits()
"""Commits, their commands and events, and when partitions moved."""
REGISTRY.register(COMMITS)

COMMANDS_DEFERRED = Counter(
    "semel_commands_deferred_total",
    "Commands that were not decided when their turn came, by why.",
    ["reason"], registry=REGISTRY,
)  # fmt: skip
COMMANDS_BUSY = Counter(
    "semel_commands_busy_total",
    "Commands that were rejected because too many of their aggregate wait.",
    registry=REGISTRY,
)
COMMANDS_WAITING = Gauge(
    "semel_commands_waiting",
    "Commands that wait to be decided, in a partition of this process.",
    ["partition"], registry=REGISTRY,
)  # fmt: skip
REPLIES = Counter(
    "semel_replies_total", "Replies that were sent to clients' lists.", registry=REGISTRY
)

# -- Projections ------------------------------------------------------------------------

STEPS = Steps()
"""Steps of projections, their events, and when they moved."""
REGISTRY.register(STEPS)

PROJECTION_BLOCKED = Gauge(
    "semel_projection_blocked",
    "Partitions of this process in which a projection stands still at an event.",
    ["projection"], registry=REGISTRY,
)  # fmt: skip
PROJECTION_PARKED = Gauge(
    "semel_projection_parked",
    "Aggregates that a projection passes over, in the partitions of this process.",
    ["projection"], registry=REGISTRY,
)  # fmt: skip
PROJECTION_LAG = Gauge(
    "semel_projection_lag_events",
    "Events of a partition of this process that a projection has not read yet.",
    ["projection", "generation", "partition"], registry=REGISTRY,
)  # fmt: skip
PROJECTION_LAG_SECONDS = Gauge(
    "semel_projection_lag_seconds",
    "How long ago the command came that made the first of these events; 0 where there is none.",
    ["projection", "generation", "partition"], registry=REGISTRY,
)  # fmt: skip
PROJECTION_ALERTS = Gauge(
    "semel_projection_alerts",
    "Alerts about a projection or reaction that are raised now, from the process that watches.",
    ["projection"], registry=REGISTRY,
)  # fmt: skip

# -- Reactions --------------------------------------------------------------------------

_BY_REACTION = partial(Gauge, labelnames=["reaction"], registry=REGISTRY)
_BY_PARTITION = partial(Gauge, labelnames=["reaction", "partition"], registry=REGISTRY)

REACTION_EVENTS = Counter(
    "semel_reaction_events_total", "Events that a router or side effect has read.",
    ["reaction"], registry=REGISTRY,
)  # fmt: skip
REACTION_COMMANDS = Counter(
    "semel_reaction_commands_total", "Commands that a router has submitted.",
    ["reaction"], registry=REGISTRY,
)  # fmt: skip
EFFECT_CALLS = Counter(
    "semel_effect_calls_total", "Calls of a side effect, by result: done or failed.",
    ["reaction", "result"], registry=REGISTRY,
)  # fmt: skip
REACTION_BLOCKED = _BY_REACTION(
    "semel_reaction_blocked",
    "Partitions of this process in which it stands still at an event.",
)
REACTION_PARKED = _BY_REACTION(
    "semel_reaction_parked", "Aggregates that it passes over, in the partitions of this process."
)
REACTION_LAG = _BY_PARTITION(
    "semel_reaction_lag_events",
    "Events of a partition of this process that it has not read yet.",
)
REACTION_LAG_SECONDS = _BY_PARTITION(
    "semel_reaction_lag_seconds",
    "How long ago the command came that made the first of these events; 0 where there is none.",
)

# -- Audits -----------------------------------------------------------------------------

AUDIT_ROWS = Counter(
    "semel_audit_rows_total",
    "Rows of the live generation that were held against the log.",
    ["projection"], registry=REGISTRY,
)  # fmt: skip
AUDIT_DIFFERENCES = Counter(
    "semel_audit_differences_total",
    "Places where rows, indexes or checkpoints are not what the log makes of them.",
    ["projection"], registry=REGISTRY,
)  # fmt: skip


def count_refusal(message: str) -> None:
    """Count an error reply by the code that its message begins with."""
    code = _CODE.match(message)
    REDIS_REFUSED.labels(code[0] if code else "ERR").inc()
