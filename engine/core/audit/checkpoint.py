"""A checkpoint beside the log that it stands in."""

from collections.abc import Iterator

import msgspec

from engine.core.audit.ends import read_branches
from engine.core.audit.findings import Finding
from engine.core.branches import exists
from engine.core.codec import read_event_meta
from engine.core.ports.evidence import Evidence
from engine.core.records import Entry


async def judge_checkpoint(evidence: Evidence, partition: int) -> list[Finding]:
    """It is not beyond the head, exists on its branch, and is on its own event."""
    checkpoint, head = await evidence.checkpoint(partition)
    position, names = checkpoint.position, evidence.names(partition)

    def faults() -> Iterator[tuple[str, str, str]]:
        if position > head:
            yield "position", f"at most head's {head}", str(position)
            return
        if command != checkpoint.command:
            expected = f"{command}, as position {position} of the log"
            yield "command", expected, checkpoint.command
        if not exists(branches, checkpoint.branch, position):
            expected = f"one on which position {position} still exists"
            yield "branch", expected, checkpoint.branch

    if position == 0:
        return []
    found = [e async for page in evidence.log(partition, position - 1, position, 1) for e in page]
    command = _command_of(found[0]) if found else "nothing"
    branches, _ = read_branches(names, await evidence.branches(partition), head)
    key = evidence.checkpoint_key(partition)
    return [Finding("checkpoint", partition, key, *fault) for fault in faults()]


def _command_of(entry: Entry) -> str:
    """The command that caused an event, by its stream id."""
    try:
        return read_event_meta(entry.fields.get(b"meta", b"")).entry
    except msgspec.DecodeError as error:
        return f"what cannot be read ({error})"
