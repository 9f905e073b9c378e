"""What an engine in memory has yet to do."""

from collections.abc import Iterator

from engine.core.ids import stream_order
from engine.core.registry import Domain
from engine.store.keys import Keys
from engine.store.memory import MemoryServer

_GENERATION = 1
"""An engine in memory begins anew each time, and nothing is rebuilt in it."""


def unfinished(server: MemoryServer, keys: Keys, domain: Domain, partitions: int) -> Iterator[str]:
    """Each thing that is still to come, a sentence each; nothing once all has settled."""
    data = server.data
    entered, moved = (data.stream(key).ends_at() for key in (keys.inbox(), keys.forwarded()))
    if entered is not None and stream_order(entered) > stream_order(moved or "0-0"):
        yield f"the inbox has entries up to {entered}, moved up to {moved or 'none'}"
    for partition in range(partitions):
        head = data.hash(keys.head(partition))
        handled, position = head.get("command", "0-0"), int(head.get("position", 0))
        sent = data.stream(keys.commands(partition)).ends_at() or "0-0"
        if stream_order(sent) > stream_order(handled):
            yield f"partition {partition} has commands up to {sent}, answered up to {handled}"
        waiting = len(data.hash(keys.waiting(partition)))
        if waiting:
            yield f"partition {partition} has {waiting} commands that wait to be decided"
        for name in domain.projections:
            found = data.hash(keys.projection(partition, name, _GENERATION))
            applied = int(found.get("position", 0))
            if applied < position:
                yield f"{name} has applied {applied} of {position} events of partition {partition}"
