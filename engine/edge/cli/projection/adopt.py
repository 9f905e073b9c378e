"""``semel projection adopt``: other code takes over rows as they are."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import Conflict, NotFound
from engine.core.generations import code_as, served_as
from engine.edge.cli.gauge import gauge
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say, show
from engine.edge.cli.projection.place import Name, digest_in, on_building, until

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.edge.building import Building

CHECKED_EVENTS = 1_000_000
"""Of more events than these the rows are not folded anew before: that takes a minute or more."""


def projection_adopt(  # noqa: PLR0913 -- the options of every verb, and its own
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Whether any worker has the code or not; check nothing.")
    ] = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Have the code found here take over the live generation, with the rows it has.

    For a change of code that leaves rows as they are: a bug that only parked aggregates, a
    new name for a function. All others need a rebuild, for old rows stay as the old code made
    them. So rows are first compared with what the code here makes of the log, where that is
    soon done; exits 1 when they differ, or when no worker has this code yet.

    Example: semel projection adopt orders
    """
    from engine.app import domain_of  # noqa: PLC0415 -- what --help can do without

    settings = settings_of(redis, config, namespace)
    domain = domain_of(settings)

    async def work(building: "Building") -> int:
        found, here = await building.found(), digest_in(domain, name)
        live = served_as(name, found.live)
        if here is None:
            raise NotFound(f"there is no projection {name} in the code here to take over {live}")
        if here == found.digest:
            said = f"{live} is the code's that is found here already"
        else:
            await take_over(building, domain, here, settings.wait_seconds, force=force)
            said = f"{live} is the code's that is found here from now on, with the rows it has"
        show(output, {"projection": name, "generation": found.live}, said)
        return 0

    return on_building(settings, name, work, sorted(domain.projections))


async def take_mended(
    building: "Building", domain: "Domain", seconds: float, *, dry_run: bool
) -> None:
    """Where the code found here is not the live generation's, have it take that over; say so."""
    found, here = await building.found(), digest_in(domain, building.name)
    if here is None or here == found.digest:
        return
    said = (
        f"{served_as(building.name, found.live)} was made by other code than is found here, which "
        f"is taken for the mended one"
    )
    if dry_run:
        say(f"{said}: it would take over the rows as they are")
        return
    say(
        f"{said}: it takes over the rows as they are (--no-adopt leaves them to the code of before)"
    )
    await take_over(building, domain, here, seconds)


async def take_over(
    building: "Building", domain: "Domain", here: str, seconds: float, *, force: bool = False
) -> None:
    """Adopt the live generation for the code found here, and wait until no other works on it.

    Raises `Conflict` where it must not be, `NotYet` when a worker does not let go of it.
    """
    name, live = building.name, (await building.found()).live
    code = code_as(name, here)
    if not force:
        if not await building.workers(code):
            raise Conflict(
                f"no worker has the code of {name} that is found here: {name} would stand still. "
                f"Deploy it first, or start `semel project` here; semel projection adopt {name} "
                f"--force does it anyway"
            )
        await _check(building, domain, live)
    await building.adopt(here, live)

    async def is_handed_over() -> bool:
        return await building.owners(live) <= await building.workers(code)

    why = f"a worker with other code has not let go of {served_as(name, live)}: semel node list"
    await until(is_handed_over, seconds, why)


async def _check(building: "Building", domain: "Domain", live: int) -> None:
    """Raise `Conflict` where the code found here makes other rows of the log."""
    from engine.edge.audit.generations import GenerationAudit  # noqa: PLC0415

    session, name = building.session, building.name
    generation = served_as(name, live)
    events = await session.inspection.event_count(session.partitions)
    if events > CHECKED_EVENTS:
        say(f"the rows of {generation} are not checked before: there are {events:,} events")
        return
    with gauge(events) as advance:
        audit = GenerationAudit(
            session, domain, domain.projections[name], live,
            lambda read: advance(read, f"rows of {generation}"),
        )  # fmt: skip
        findings = await audit.run()
    if findings:
        raise Conflict(
            f"the code found here makes other rows of the log than {generation} has, in "
            f"{len(findings)} places; the first: {findings[0]}. Build it anew with this code: "
            f"semel projection rebuild {name}; semel projection adopt {name} --force takes it "
            f"over anyway"
        )
