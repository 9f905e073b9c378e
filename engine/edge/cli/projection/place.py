"""Where a verb about one projection's builds works: its name, its code, its session."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import NotYet
from engine.edge.building import Building
from engine.edge.cli.completing import projections
from engine.edge.cli.running import on_session

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.settings import Settings

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The projection, such as orders.", autocompletion=projections
    ),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Do not wait: workers do it, whoever watches.")
]

LOOK_SECONDS = 0.1
"""Between two looks whether workers have done what they were told."""


def digest_in(domain: "Domain", name: str) -> str | None:
    """The digest of a projection's code, as it is found here; None where it is not."""
    from engine.core.digest import code_digest  # noqa: PLC0415 -- what --help can do without

    projection = domain.projections.get(name)
    return None if projection is None else code_digest(projection, domain.upcasters_of(name))


def on_building(
    settings: "Settings",
    name: str,
    work: Callable[[Building], Awaitable[int]],
    known: Sequence[str] = (),
) -> int:
    """Run a verb on the builds of one projection; ``known`` are those that there is code of."""
    return on_session(
        settings,
        lambda session: work(Building(session, name, settings.lease_seconds, known)),
    )


async def until(check: Callable[[], Awaitable[bool]], seconds: float, why_not: str) -> None:
    """Wait for something to become so; raises `NotYet` when it does not in time."""
    import anyio  # noqa: PLC0415 -- what --help can do without

    deadline = anyio.current_time() + seconds
    while not await check():
        if anyio.current_time() >= deadline:
            raise NotYet(why_not)
        await anyio.sleep(LOOK_SECONDS)
