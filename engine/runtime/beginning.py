"""Where a reader of a log begins: at its checkpoint, once its server has that history."""

from collections.abc import Sequence

import anyio

from engine.core.branches import Branch, exists
from engine.core.codec import read_event_meta
from engine.core.errors import Torn
from engine.core.ports import LogReader
from engine.core.records import Checkpoint
from engine.runtime.progress import Progress

OWNER_SECONDS = 0.1
"""How often it is asked whether an owner has noted this server."""


async def branches_here(
    log: LogReader, server: str, progress: Progress, stopping: anyio.Event
) -> Sequence[Branch]:
    """The log's branches, once an owner has noted the server that we see; none if stopped.

    Until then nobody knows whether this server has the history that we have seen.
    """
    while not stopping.is_set():
        branches = await log.branches()
        if branches and branches[-1].server == server:
            progress.rests()
            return branches
        progress.trouble = "waits for an engine to own the partition on this server"
        with anyio.move_on_after(OWNER_SECONDS):
            await stopping.wait()
    return ()


async def trusted_checkpoint(log: LogReader, branches: Sequence[Branch], name: str) -> Checkpoint:
    """A projection's checkpoint; see `checked_checkpoint`."""
    cure = f"Build it anew: semel projection rebuild {name}"
    return await checked_checkpoint(log, branches, name, cure)


async def checked_checkpoint(
    log: LogReader, branches: Sequence[Branch], name: str, cure: str
) -> Checkpoint:
    """The checkpoint, if its branch still exists so far, and the event it stands on.

    Raises `Torn` where what was read is not in the log any more; ``cure`` is what to do then.
    """
    checkpoint = await log.checkpoint()
    position, found = checkpoint.position, "nothing"
    if position > 0:
        event = await log.event_at(position)
        if event is not None:
            found = read_event_meta(event.meta).entry
        if found != checkpoint.command or not exists(branches, checkpoint.branch, position):
            raise Torn(
                f"{name} has applied position {position} of command "
                f"{checkpoint.command} on branch {checkpoint.branch}, and the log has {found} "
                f"there, on branch {branches[-1].name}: history was lost. {cure}"
            )
    return checkpoint
