"""What goes wrong in deciders: what it makes of their commands, and what is told of it."""

import asyncio
from traceback import format_exception

import msgspec

from engine.core.draft import Answer, refused
from engine.core.errors import Rejected
from engine.core.intake import Received
from engine.core.outcome import Status
from engine.core.refusal import Refusal
from engine.core.waiting import RAISED, Deferral
from engine.telemetry import log

_SAID_LIMIT = 1000
"""Characters of an error that an outcome quotes; the log has all of it."""

_TRACEBACK_LIMIT = 16_000
"""Characters of a traceback that are kept, its end: the rest is the same frame over and over."""


def declined(error: BaseException) -> Answer | Deferral:
    """What an error makes of a command; raises it where it is this task that was cancelled."""
    if isinstance(error, Rejected):
        return refused(Refusal(error.code, error.message, error.errors))
    if is_ours(error):
        raise error
    text = said(error)
    if isinstance(error, asyncio.CancelledError):
        text = "CancelledError: something it awaited was"
    return Deferral(RAISED, text, error)


def is_ours(error: BaseException) -> bool:
    """Whether this is the task of ours that was cancelled, not what it waited for."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def tell_if_blocked(received: Received, seconds: float, limit: float) -> None:
    """Say which decider kept everybody else waiting, if it did."""
    if seconds <= limit:
        return
    place = received.handler.place if received.handler is not None else ""
    log.warning(
        "decider.blocked", command=received.id, type=type(received.command).__name__,
        decider=place, seconds=round(seconds, 3),
    )  # fmt: skip


def given_up(received: Received, why: Deferral) -> Answer:
    """The answer to a command that was tried often enough."""
    return failed(received, why.code, why.message, traceback_of(why))


def traceback_of(why: Deferral) -> str:
    """Where a decider raised, its end; empty where none did."""
    text = "" if why.error is None else "".join(format_exception(why.error))
    return text[-_TRACEBACK_LIMIT:]


def failed(received: Received, code: str, message: str, traceback: str = "") -> Answer:
    """The answer to a command whose domain code failed; reported, for somebody to mend it."""
    log.error(
        "command.failed", command=received.id, type=type(received.command).__name__,
        aggregate=received.aggregate, error=message, exception=traceback or None,
    )  # fmt: skip
    detail = msgspec.json.encode({"code": code, "message": message})
    return Answer(Status.FAILED, detail, traceback=traceback)


def said(error: BaseException) -> str:
    """An error in a few words."""
    return f"{type(error).__name__}: {error}"[:_SAID_LIMIT]
