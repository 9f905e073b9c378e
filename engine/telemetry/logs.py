"""Every log event, declared in one place: what happened, and what to do about it.

Events are named ``<thing>.<what happened>``. On a terminal they are lines to read, else
JSON, one object a line. Nothing is logged per command while all goes well.
"""

import logging
import sys
from typing import Any, Final

import structlog

EVENTS: Final = {
    "engine.started": "An engine node serves; lists what is registered and the settings.",
    "service.opening": "A service is opened; one that hangs here keeps the process from starting.",
    "service.failed": "A service could not be opened: nothing is served. Mend its factory.",
    "service.closed": "A service was closed: the process ends.",
    "process.stopping": "A stop was asked for: what is in hand is finished, then leases go back.",
    "engine.stopped": "Everything was given back.",
    "session.broken": "Redis was lost or an acquisition was in doubt: all is acquired anew.",
    "redis.waiting": "Redis is out of reach; the attempt is repeated with backoff.",
    "lease.acquired": "This process now owns what the lease is for.",
    "lease.released": "The lease was given back.",
    "lease.lost": "The lease is somebody else's: what was known was forgotten.",
    "lease.kept": "Redis refused to take a lease back; it runs out by itself.",
    "lease.suspended": "Redis refused a write (full, read-only …): it is tried again. See `error`.",
    "lease.unrenewed": "Redis did not answer the thread that renews leases; it tries again.",
    "lease.unsettled": "Redis refused to say who owns what; it is asked again.",
    "process.stalled": "The event loop is still for `stall_seconds`: its leases go. See `stack`.",
    "redis.refusing": "Redis runs nothing for now (full, busy …): work waits. See `error`.",
    "redis.accepting": "Redis takes writes again; work goes on.",
    "partition.stopped": "What a lease is for stopped; see `error`. Torn data: run `semel verify`.",
    "partition.mended": "A client set a command's id in the future: it is in `dead`, work goes on.",
    "timers.held": "Redis takes no commands of timers that are due; tried again. See `error`.",
    "timers.damaged": "Timers that are due cannot be read: `timer` has them. They fire no more.",
    "schedule.late": "Nobody ran when an occurrence was due: the last one missed is made up for.",
    "node.drained": "Somebody asked this process to drain: `semel node drain`.",
    "node.untold": "Redis refused news; others see it at their next heartbeat.",
    "node.mute": "Redis refused a heartbeat; the process works on, but is not listed.",
    "schemas.recorded": "This code's schemas are new here: later code is held against them.",
    "schemas.unrecorded": "Redis did not take this code's schemas; it is asked again.",
    "actor.damaged": "Events cannot be read by this code; its aggregate's commands fail or wait.",
    "snapshot.ignored": "A snapshot does not fit its events, which are read instead. See `reason`.",
    "snapshots.refused": "Redis did not take snapshots; the next ones are tried in their turn.",
    "snapshots.unkept": "States of a kind cannot be kept: all events are read. See `error`.",
    "command.deferred": "A decider raised; the command waits, and is tried again. See `error`.",
    "command.failed": "A command was given up: it is in `semel dead list`. Mend its decider.",
    "decider.blocked": "A decider kept the event loop: nobody else was served. See `decider`.",
    "partition.crowded": "Too many commands wait to be decided: the partition reads no more.",
    "partition.uncrowded": "Fewer commands wait: the partition reads on.",
    "reply.refused": "A client named a list that cannot take its reply; its outcome stands.",
    "worker.started": "A projection worker serves; lists its projections and the settings.",
    "worker.stopped": "Everything was given back.",
    "worker.died": "A process of `--workers` ended by itself; it is started again.",
    "projection.blocked": "An event cannot be projected; it is tried again. Mend the projection.",
    "projection.resumed": "The projection goes on behind the event that blocked it.",
    "projection.parked": "An aggregate is passed over, all else flows: `semel dead show`, mend.",
    "projection.unparked": "A parked aggregate was replayed; its rows are what they should be.",
    "projection.unmended": "A parked aggregate could not be replayed. See `error`.",
    "projection.dropped": "Somebody gave up a parked aggregate: its rows lack its events.",
    "projection.outdated": "A generation was made by other code: this worker leaves it to those.",
    "projection.unread": "What is said of a projection's generations cannot be read. See `error`.",
    "projection.rebuilding": "The code of a projection has changed: a new generation is built.",
    "projection.flipped": "Queries read the new generation; the one before is kept for a while.",
    "projection.unflipped": "A build passes over aggregates: it does not go live by itself.",
    "projection.compared": "The rows of a generation were compared with those of the one before.",
    "projection.differs": "Rows are not what the log makes of them: build the projection anew.",
    "projection.unaudited": "Rows could not be held against the log; tried again. See `error`.",
    "projection.removed": "A generation that was over is gone.",
    "projection.gap": "Another reader moved the consumer group; it was set back.",
    "reaction.blocked": "An event cannot be routed, or its commands sent; it is tried again.",
    "reaction.parked": "A router passes an aggregate over, the rest flows: `semel dead show`.",
    "reaction.unparked": "What followed from a parked aggregate's events was sent.",
    "reaction.unmended": "A parked aggregate's events still cannot be routed. See `error`.",
    "reaction.dropped": "Somebody gave up a parked aggregate: nothing follows from those events.",
    "reaction.sends_again": "A partition lost its tail: the commands in it are sent again.",
    "reaction.diverged": "Commands were sent because of events that a server has lost since.",
    "inbox.owned": "This process moves the inbox's entries.",
    "projection.alert": "A projection does not keep up, or passes over aggregates. See `why`.",
    "projection.recovered": "What an alert was about is over, and has been for a while.",
    "reaction.alert": "A router or side effect does not keep up, or passes over aggregates.",
    "reaction.recovered": "What such an alert was about is over, and has been for a while.",
    "alert.undelivered": "The webhook did not take a message, however often. See `error`.",
    "alert.unnoted": "Redis took no note of an alert: whoever watches next may tell it again.",
    "monitoring.served": "Metrics and health are served; see `url`.",
    "gateway.served": "The HTTP gateway answers; see `url`, and whether callers are known.",
    "gateway.stopped": "What was under way is answered; nothing more is taken.",
    "gateway.failed": "Somebody was answered 500: a query or a validator raised. See `error`.",
    "gateway.cut": "A caller sent half a request, or took nothing of an answer, for too long.",
    "gateway.turned_away": "No body came (408), or too much of one (413), or who asked went (499).",
    "gateway.crowded": "All `http_connections` are taken; more are answered 503 and closed.",
    "gateway.uncrowded": "There is room again.",
    "inbox.mended": "A client set an inbox id in the future: it is in `dead`, work goes on.",
}
"""Every event's name, and what it means."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

log: Any = structlog.get_logger("semel")


def configure_for_scripts() -> None:
    """Warnings to stderr, unless whoever uses us has set structlog up: stdout is a script's own."""
    if not structlog.is_configured():
        configure("warning")


def configure(level: str = "info", style: str = "auto") -> None:
    """Set up logging to stderr: ``style`` is ``text``, ``json``, or ``auto`` by the terminal."""
    human = style == "text" or (style == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.processors.JSONRenderer()
    errors: Any = structlog.processors.format_exc_info
    if human:
        # A traceback as Python has it: no values of variables, which are users' data.
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        errors = structlog.processors.StackInfoRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
