"""Where a projector begins: at its checkpoint, once its server is known to have that history."""

from collections.abc import Sequence

import anyio

from engine.core.branches import Branch, exists
from engine.core.codec import read_event_meta
from engine.core.errors import Torn
from engine.core.ports import Log
from engine.core.records import Checkpoint
from engine.runtime.progress import Progress

OWNER_SECONDS = 0.1
"""How often it is asked whether an owner has noted this server."""


async def branches_here(
    log: Log, server: str, progress: Progress, stopping: anyio.Event
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


async def trusted_checkpoint(log: Log, branches: Sequence[Branch], projection: str) -> Checkpoint:
    """The checkpoint, if its branch still exists so far, and the event it stands on.

    Raises `Torn` where what was applied is not in the log any more.
    """
    checkpoint = await log.checkpoint()
    position, found = checkpoint.position, "nothing"
    if position > 0:
        event = await log.event_at(position)
        if event is not None:
            found = read_event_meta(event.meta).entry
        if found != checkpoint.command or not exists(branches, checkpoint.branch, position):
            raise Torn(
                f"{projection} has applied position {position} of command "
                f"{checkpoint.command} on branch {checkpoint.branch}, and the log has {found} "
                f"there, on branch {branches[-1].name}: history was lost. Build it anew: semel "
                f"projection rebuild {projection}"
            )
    return checkpoint
