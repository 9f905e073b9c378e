"""Holding the code here against what is recorded: schemas, commands that wait, timers and the dead.

Reads only. The logs are read where something is suspected of which nobody knows yet whether it
was ever written: a type that is gone may have been tried and never used.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from engine.core.codec import version_in
from engine.core.firing import name_of
from engine.core.registry import Domain
from engine.core.schedules import SOURCE
from engine.core.schemas.breaking import Breach, Verdict, judge
from engine.core.schemas.describing import What, read_recorded
from engine.core.schemas.waiting import Waiting
from engine.core.waiting import in_order, read_kept
from engine.edge.dead import dead_letters

if TYPE_CHECKING:
    from engine.app import RedisSession

Kind = tuple[str, int]
"""An event type and a version of it."""


class Checked(msgspec.Struct):
    """What was compared, and what it came to."""

    recorded: int
    waiting: int
    timers: int
    letters: int
    breaches: list[Breach]
    changes: list[str]


async def check_schemas(
    session: "RedisSession", domain: Domain, tell: Callable[[int, str], None]
) -> Checked:
    """Compare; ``tell`` hears how many entries more have been read, and of what."""
    recorded = list(read_recorded(await session.schemas.read()))
    verdict = judge(domain, recorded)
    waiting = await _waiting(session, domain, verdict, tell)
    breaches, unused = await _written(session, verdict.breaches, tell)
    breaches += waiting.breaches()
    waits = {breach.type for breach in breaches if breach.what is What.COMMAND}
    narrowed = [
        f"{breach.message}; none that waits is refused, but clients that go on sending it are"
        for name, those in verdict.lately.items()
        for breach in those
        if name not in waits
    ]
    gone = [
        f"the schedule {name} is gone, or has another name: it will not come any more"
        for name in await _schedules_gone(session, domain)
    ]
    changes = [*verdict.changes, *unused, *narrowed, *gone]
    counts = waiting.count, waiting.timers, waiting.letters
    return Checked(len(recorded), *counts, breaches, changes)


async def _waiting(
    session: "RedisSession", domain: Domain, verdict: Verdict, tell: Callable[[int, str], None]
) -> Waiting:
    """Look at all commands that have no final answer yet, at those of timers, and dead letters."""
    waiting, audit = Waiting(domain, verdict.narrowed), session.audit
    streams = [(audit.keys.inbox(), await session.inbox().reached(session.partitions), "the inbox")]
    for partition in range(session.partitions):
        done = (await audit.ends(partition)).command
        streams.append((audit.names(partition).commands, done, f"partition {partition}"))
    for key, done, where in streams:
        async for page in audit.entries(key, done, "+"):
            for entry in page:
                waiting.take(entry, where)
            tell(0, f"commands that wait in {where}")
    for partition in range(session.partitions):
        for id, kept in in_order(await audit.waiting(partition)):
            with suppress(ValueError):  # what is none, its owner names
                waiting.take(read_kept(id, kept)[0], f"partition {partition}, deferred")
        await _timers(session, partition, waiting, tell)
    for number in (*range(session.partitions), None):
        where = "the inbox" if number is None else f"partition {number}"
        async for letter in dead_letters(session, number):
            waiting.unearth(letter, where)
        tell(0, f"dead letters of {where}")
    return waiting


async def _timers(
    session: "RedisSession", partition: int, waiting: Waiting, tell: Callable[[int, str], None]
) -> None:
    """Look at the timers of a partition; those that have fired are commands that wait by now."""
    seen: set[str] = set()
    async for page in session.timer_audit.read(partition):
        for read in page:
            if read.timer is not None and read.at is not None and read.key not in seen:
                waiting.ring(read.timer, name_of(read.key))
            seen.add(read.key)
        tell(0, f"timers of partition {partition}")


async def _schedules_gone(session: "RedisSession", domain: Domain) -> list[str]:
    """Schedules that engines have served here, and the code here has not."""
    known = set[str]()
    for partition in range(session.partitions):
        sources = await session.audit.sources(partition)
        known |= {
            name for kind, _, name in (each.partition("/") for each in sources) if kind == SOURCE
        }
    return sorted(known - domain.schedules.keys())


async def _written(
    session: "RedisSession", suspected: Iterable[Breach], tell: Callable[[int, str], None]
) -> tuple[list[Breach], list[str]]:
    """The breaches of which there are events, and sentences about those of which there are none."""
    found: dict[Kind, str] = {}
    wanted = {(breach.type, breach.version) for breach in suspected}
    for partition in range(session.partitions) if wanted else ():
        async for page in session.audit.entries(session.audit.names(partition).log, "0-0", "+"):
            for entry in page:
                name = entry.fields.get(b"type", b"").decode(errors="replace")
                kind = (name, version_in(entry.fields.get(b"meta", b"")))
                if kind in wanted and kind not in found:
                    found[kind] = f"position {entry.id.partition('-')[0]} of partition {partition}"
            tell(len(page), "looking for events of what is suspected")
            if len(found) == len(wanted):
                break
        if len(found) == len(wanted):
            break
    breaches, unused = [], []
    for breach in suspected:
        place = found.get((breach.type, breach.version))
        if place is None:
            unused.append(f"{breach.message}; no event of it was ever written")
        else:
            message = f"{breach.message} (there are events of it, the first at {place})"
            breaches.append(msgspec.structs.replace(breach, message=message))
    return breaches, unused
