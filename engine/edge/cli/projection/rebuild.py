"""``semel projection rebuild`` and ``flip``: a build, from its first event until it serves."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.generations import MAX_LOAD, served_as
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say, show
from engine.edge.cli.projection.place import Detach, Name, digest_in, on_building
from engine.edge.cli.projection.waiting import wait_for_build, ways

if TYPE_CHECKING:
    from engine.edge.building import Begun, Building


def projection_rebuild(  # noqa: PLR0913 -- the options of every verb, and its own
    name: Name,
    max_load: Annotated[
        float | None,
        typer.Option(
            "--max-load",
            metavar="SHARE",
            min=0.01,
            max=1,
            help=f"The share of the time it may take; {MAX_LOAD} unless set, 1 for all.",
            show_default=False,
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Give up what is being built, and begin anew.")
    ] = False,
    detach: Detach = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Build a read model anew from the log, beside the live one, and have it take its place.

    Nothing stops for it. It is built with the code found here, by the workers that have it;
    once it is behind nowhere queries read it, and its rows are compared with those of before.
    Ctrl-C leaves the build going on; the same command watches it again. Exits 1 when it does
    not go live (aggregates are parked), or when the same code has made other rows.

    \b
    Examples:
      semel projection rebuild orders
      semel projection rebuild orders --max-load 0.2 --detach
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine.app import domain_of  # noqa: PLC0415

    settings = settings_of(redis, config, namespace)
    domain = domain_of(settings)
    here = digest_in(domain, name)

    async def work(building: "Building") -> int:
        before = await building.found()
        begun = await building.rebuild(here or before.digest, max_load, restart=restart)
        say(_begun(name, begun, here))
        return await _follow(building, begun.said.building, output, detach=detach)

    return on_building(settings, name, work, sorted(domain.projections))


def projection_flip(  # noqa: PLR0913 -- likewise
    name: Name,
    accept_parked: Annotated[
        bool, typer.Option("--accept-parked", help="Although it passes over parked aggregates.")
    ] = False,
    detach: Detach = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Have queries read what is being built, as soon as it is behind nowhere.

    It flips by itself unless it has parked aggregates: then this says which, and
    --accept-parked has it flip all the same. They stay parked.

    Example: semel projection flip orders --accept-parked
    """
    settings = settings_of(redis, config, namespace)

    async def work(building: "Building") -> int:
        number = await building.to_flip(accept_parked=accept_parked)
        return await _follow(building, number, output, detach=detach)

    return on_building(settings, name, work)


async def _follow(building: "Building", number: int, output: Format, *, detach: bool) -> int:
    if not detach:
        return await wait_for_build(building, number, output)
    about = {"projection": building.name, "generation": number}
    show(output, about, f"{served_as(building.name, number)} is being built: {ways(building.name)}")
    return 0


def _begun(name: str, begun: "Begun", here: str | None) -> str:
    """What is being built, and by which code."""
    said = begun.said
    build, live = served_as(name, said.building), served_as(name, said.live)
    if not begun.is_new:
        return f"{build} is being built already: this watches it"
    if here is None:
        code = f"the code that made {live}, for there is none of {name} here"
    elif here == said.digest:
        code = f"the code found here, which made {live} too"
    else:
        code = f"the code found here, which is not that of {live}"
    return f"{build} is built from the first event on, with {code}"
