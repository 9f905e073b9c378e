"""Where the events of a command begin: what names a command from inside counts from there."""

from engine.core.codec import read_event_meta
from engine.core.ports import LogReader
from engine.core.routed import Indexes

LOOK_BACK_EVENTS = 16
"""Events read at first to find where a command's events begin: few commands have more."""


async def indexes_behind(log: LogReader, position: int) -> Indexes:
    """What tells the indexes of the events behind a position: looks where its command's begin."""
    size = LOOK_BACK_EVENTS
    while position:
        first = max(0, position - size)
        page = await log.events_after(first, position - first)
        entries = {read_event_meta(event.meta).entry for event in page}
        if first == 0 or len(entries) != 1:
            return Indexes(page)
        size *= 4
    return Indexes()
