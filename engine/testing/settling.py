"""What an engine in memory has yet to do."""

from collections.abc import Iterator

from engine.core.ids import stream_order
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.core.schedules import NO_MARK, Mark
from engine.store.keys import Keys
from engine.store.memory import MemoryServer
from engine.store.memory.keyspace import Keyspace

_GENERATION = 1
"""An engine in memory begins anew each time, and nothing is rebuilt in it."""


def unfinished(server: MemoryServer, keys: Keys, domain: Domain, partitions: int) -> Iterator[str]:
    """Each thing that is still to come, a sentence each; nothing once all has settled."""
    data, now = server.data, server.now_ms()
    entered, moved = (data.stream(key).ends_at() for key in (keys.inbox(), keys.forwarded()))
    if entered is not None and stream_order(entered) > stream_order(moved or "0-0"):
        yield f"the inbox has entries up to {entered}, moved up to {moved or 'none'}"
    for recurring in domain.schedules.values():
        home = partition_of(recurring.schedule.aggregate, partitions)
        mark = Mark.read(data.hash(keys.sources(home)).get(recurring.source, NO_MARK))
        if mark.times != recurring.times or recurring.latest_ms(mark.at_ms, now) is not None:
            yield f"{recurring.source} has not submitted what is due"
    for partition in range(partitions):
        yield from _of_commands(data, keys, partition, now)
        yield from _of_events(data, keys, domain, partition)


def _of_commands(data: Keyspace, keys: Keys, partition: int, now_ms: int) -> Iterator[str]:
    """Those that have no final answer, and those that timers are to become."""
    handled = data.hash(keys.head(partition)).get("command", "0-0")
    sent = data.stream(keys.commands(partition)).ends_at() or "0-0"
    if stream_order(sent) > stream_order(handled):
        yield f"partition {partition} has commands up to {sent}, answered up to {handled}"
    waiting = len(data.hash(keys.waiting(partition)))
    if waiting:
        yield f"partition {partition} has {waiting} commands that wait to be decided"
    due = [key for key, at in data.ranking(keys.timers(partition)).items() if at <= now_ms]
    if due:
        yield f"partition {partition} has timers that are due: {', '.join(due)}"


def _of_events(data: Keyspace, keys: Keys, domain: Domain, partition: int) -> Iterator[str]:
    """Those that somebody has yet to apply, or to react to."""
    position = int(data.hash(keys.head(partition)).get("position", 0))
    readers = {
        name: keys.projection(partition, name, _GENERATION) for name in domain.projections
    } | {name: keys.reaction(partition, name) for name in domain.reactions}
    for name, key in readers.items():
        reached = int(data.hash(key).get("position", 0))
        if reached < position:
            did = "applied" if name in domain.projections else "reacted to"
            yield f"{name} has {did} {reached} of {position} events of partition {partition}"
