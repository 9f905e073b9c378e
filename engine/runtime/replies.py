"""Telling those who named a list what became of their command."""

from engine.core.draft import Draft
from engine.core.errors import Refused
from engine.core.ports import Ledger
from engine.telemetry import log, metrics


async def reply(ledger: Ledger, partition: int, draft: Draft, keep_seconds: float) -> None:
    """Tell what a commit has made true; the truth is in Redis, and is there already."""
    if not draft.replies:
        return
    replies = [(name, outcome.as_reply()) for name, outcome in draft.replies]
    metrics.REPLIES.inc(len(replies))
    try:
        await ledger.reply(replies, int(keep_seconds))
    except Refused as error:
        log.warning("reply.refused", partition=partition, error=str(error))
