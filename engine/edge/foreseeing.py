"""What a replay of a parked aggregate would come to, with the code that is found here."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engine.core.errors import Misuse
from engine.core.fold import WATERMARK
from engine.core.parking import Attempt, attempt
from engine.core.projecting import projecting
from engine.core.records import LoggedEvent, RowChange
from engine.core.registry import Domain
from engine.core.routed import Bounds, routing
from engine.core.routing import partition_of
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.app import RedisSession

_PAGE = 1000
"""Events of a log that are read at once."""


class Foreseen(msgspec.Struct):
    """What a replay would do, with the code that is found here; ``upto`` is the checkpoint.

    ``rows`` are a projection's, ``commands`` a router's.
    """

    projection: str
    aggregate: str
    position: int
    upto: int
    events: int
    rows: int
    commands: int | None = None
    stops_at: int | None = None
    error: str = ""


class Place(NamedTuple):
    """Who has parked an aggregate from which position on; a router has no generation."""

    name: str
    generation: int | None
    aggregate: str
    position: int


async def foreseen(
    session: "RedisSession", domain: Domain, settings: Settings, place: Place
) -> Foreseen:
    """What a replay would do; changes nothing. Raises `Misuse` without the code for it."""
    if place.generation is None:
        return await _commands(session, domain, settings, place)
    return await _rows(session, domain, place, place.generation)


async def _rows(session: "RedisSession", domain: Domain, place: Place, generation: int) -> Foreseen:
    """What a projection would change."""
    name, home = place.name, partition_of(place.aggregate, session.partitions)
    if name not in domain.projections:
        raise Misuse(f"there is no projection {name} in the code here")
    project, rows = projecting(domain, domain.projections[name]), set[str]()
    upto = (await session.checkpoints.applied(name, generation, home)).position
    seen = Foreseen(name, place.aggregate, place.position, upto, 0, 0)
    async for mine in _pages(session, home, place, upto):
        tried: Attempt[list[RowChange]] = attempt(project, home, mine)
        hashes = await session.rows.rows(name, generation, tried.rows)
        marks = [int(fields.get(f"{WATERMARK}{home}", 0)) for fields in hashes]
        tried = tried.settled(name, dict(zip(tried.rows, marks, strict=True)))
        rows |= set(tried.rows)
        if _note(seen, tried):
            break
    seen.rows = len(rows)
    return seen


async def _commands(
    session: "RedisSession", domain: Domain, settings: Settings, place: Place
) -> Foreseen:
    """What a router would send."""
    name, home = place.name, partition_of(place.aggregate, session.partitions)
    if name not in domain.routers:
        raise Misuse(
            f"there is no router {name} in the code here; of a side effect nobody can say it"
        )
    bounds = Bounds(settings.command_bytes, settings.events_per_command, settings.causation_depth)
    route = routing(domain, name, session.partitions, session.secret, bounds)
    upto = (await session.reaction_log(name, home, "").checkpoint()).position
    seen, commands = Foreseen(name, place.aggregate, place.position, upto, 0, 0), 0
    async for mine in _pages(session, home, place, upto):
        tried = attempt(lambda partition, event: route(partition, event, 0), home, mine)
        commands += sum(len(wishes) for _, wishes in tried.done)
        if _note(seen, tried):
            break
    seen.commands = commands
    return seen


async def _pages(
    session: "RedisSession", home: int, place: Place, upto: int
) -> AsyncIterator[list[LoggedEvent]]:
    """The aggregate's events, from where it was parked up to the checkpoint."""
    at = place.position - 1
    while at < upto:
        page = await session.inspection.log(home, at, min(_PAGE, upto - at))
        if not page:
            return
        yield [event for event in page if event.aggregate == place.aggregate]
        at = page[-1].position


def _note(seen: Foreseen, tried: Attempt[Any]) -> bool:
    """Note what a page came to; whether something was in the way."""
    seen.events += len(tried.done)
    if tried.stopped_by is not None:
        seen.stops_at, seen.error = tried.stopped_by.position, str(tried.fault)
    return bool(seen.error)
