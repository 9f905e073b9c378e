"""``semel projection cancel``, ``rollback``, ``pause`` and ``resume``: which generation serves."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.generations import NONE, curated_as, served_as
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, Wait, settings_of
from engine.edge.cli.output import say, show
from engine.edge.cli.projection.place import LOOK_SECONDS, Detach, Name, on_building, until

if TYPE_CHECKING:
    from engine.edge.building import Building

NOBODY_SECONDS = 2.0
"""Before it is said that nobody removes it."""


def projection_cancel(  # noqa: PLR0913 -- the options of every verb, and its own
    name: Name,
    detach: Detach = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Give up what is being built, and wait until nothing is left of it.

    The live generation is not touched. Exits 4 when nothing is being built.

    Example: semel projection cancel orders
    """
    settings = settings_of(redis, config, namespace)

    async def work(building: "Building") -> int:
        number = await building.cancel()
        if not detach:
            await _removed(building, number)
        left = "it is being removed" if detach else "nothing of it is left"
        about = {"projection": name, "generation": number, "removed": not detach}
        show(output, about, f"{served_as(name, number)} is given up, {left}")
        return 0

    return on_building(settings, name, work)


def projection_rollback(  # noqa: PLR0913 -- likewise
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Although it is behind, or passes over aggregates.")
    ] = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Have queries read the generation before again, at once; the same once more takes it back.

    It is kept up for a while after a flip (`previous_keep_seconds`), as long as workers run the
    code that made it. Exits 1 when it is behind, saying how far. It holds: what was live stays
    beside it, and no worker builds anew by itself.

    Example: semel projection rollback orders
    """
    settings = settings_of(redis, config, namespace)

    async def work(building: "Building") -> int:
        said = await building.roll_back(force=force)
        about = {"projection": name, "live": said.live, "previous": said.previous}
        text = [
            f"{served_as(name, said.live)} is live again, {served_as(name, said.previous)} is kept"
        ]
        if said.building != NONE:
            build = served_as(name, said.building)
            say(f"{build} is being built and will take its place: semel projection cancel {name}")
        show(output, about, text)
        return 0

    return on_building(settings, name, work)


def projection_pause(  # noqa: PLR0913 -- likewise
    name: Name,
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Apply nothing to a read model until it is resumed; queries see what there is.

    Done when no worker applies anything any more; exits 6 when one does not let go.

    Example: semel projection pause orders
    """
    settings = settings_of(redis, config, namespace)

    async def work(building: "Building") -> int:
        await building.pause()

        async def is_at_rest() -> bool:
            return not await building.owners(*(await building.found()).kept)

        why = f"{name} is paused, but a worker has not let go of it: see semel node list"
        await until(is_at_rest, wait or settings.wait_seconds, why)
        said = f"{name} is paused: nothing is applied until semel projection resume {name}"
        show(output, {"projection": name, "state": "paused"}, said)
        return 0

    return on_building(settings, name, work)


def projection_resume(
    name: Name,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Go on where a read model was paused.

    Example: semel projection resume orders
    """
    settings = settings_of(redis, config, namespace)

    async def work(building: "Building") -> int:
        await building.resume()
        show(output, {"projection": name, "state": ""}, f"{name} goes on")
        return 0

    return on_building(settings, name, work)


async def _removed(building: "Building", number: int) -> None:
    """Wait until nothing is left of a generation; say so if nobody removes it."""
    import anyio  # noqa: PLC0415 -- what --help can do without

    began, is_told = anyio.current_time(), False
    while number in (await building.found()).removing:
        is_late = anyio.current_time() - began > NOBODY_SECONDS
        if is_late and not is_told and not await building.workers(curated_as(building.name)):
            is_told = True
            say(
                f"no worker runs to remove {served_as(building.name, number)}: the next one does "
                f"(semel project)", typer.colors.YELLOW,
            )  # fmt: skip
        await anyio.sleep(LOOK_SECONDS)
