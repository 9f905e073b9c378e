"""What follows from events: how routers fare."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import NotFound, SemelError
from engine.core.spelling import meant
from engine.edge.cli.completing import reactions
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say
from engine.edge.cli.readable import ago_if_known, table
from engine.edge.cli.running import start
from engine.edge.cli.watching import Interval, Look, Watch, watched

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.edge.reactions import Reaction
    from engine.settings import Settings

_TROUBLES_SHOWN = 3
"""Of a router's: they are often alike, and JSON has all."""


def reaction_list(  # noqa: PLR0913 -- what every verb takes, and how often to look
    watch: Watch = False,
    interval: Interval = 1.0,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List routers: what each lags, whether it moves, and what it passes over.

    `behind` counts events that were not read yet, `seconds` is the age of the oldest of them,
    or of those that a parked aggregate waits for; `moved` is when something was last read.

    Example: semel reaction list --watch
    """
    settings = settings_of(redis, config, namespace)
    registered = _registered(settings)

    async def look(session: "RedisSession") -> Look:
        found = await _look(session, settings, registered)
        text = list(listed(found)) if found else ["no router is known here"]
        return Look([each.whole() for each in found], text)

    return start(lambda: watched(settings, look, output, interval if watch else None))


def reaction_show(  # noqa: PLR0913 -- a router, what every verb takes, how often to look
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The router, such as fulfilment.", autocompletion=reactions
        ),
    ],
    watch: Watch = False,
    interval: Interval = 1.0,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show one router, partition by partition.

    Example: semel reaction show fulfilment --watch
    """
    settings = settings_of(redis, config, namespace)
    registered = _registered(settings)

    async def look(session: "RedisSession") -> Look:
        found = [each for each in await _look(session, settings, registered) if each.name == name]
        if not found:
            known = meant(name, registered)
            raise NotFound(f"there is no router {name!r}. {known}See `semel reaction list`")
        return Look(found[0], [*listed(found), "", *_partitions(found[0])])

    return start(lambda: watched(settings, look, output, interval if watch else None))


async def _look(
    session: "RedisSession", settings: "Settings", registered: "Sequence[str]"
) -> "list[Reaction]":
    """All that are known."""
    from engine.edge.reactions import look_at  # noqa: PLC0415
    from engine.edge.survey import Survey  # noqa: PLC0415

    survey = Survey(session, settings.lease_seconds)
    await survey.nodes()
    names = sorted(survey.reactions.union(registered))
    return [await look_at(session, name, survey.reports) for name in names]


def _registered(settings: "Settings") -> list[str]:
    """The routers of the code here; without it, those are known that somebody serves."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        return list(domain_of(settings).reactions)
    except SemelError as error:
        say(f"only routers that are served are known: {error}")
        return []


def listed(found: "Sequence[Reaction]") -> Iterator[str]:
    """Routers, one a line, and what there is to say of each."""
    yield from table(
        ("router", "state", "behind", "seconds", "rate", "moved", "parked", "served", "workers"),
        (
            (
                each.name, each.state, str(each.behind),
                ago_if_known(each.seconds),
                "-" if each.rate is None else f"{each.rate:g}/s",
                ago_if_known(each.moved),
                f"{each.parked} ({each.passed_over} events)" if each.parked else "0",
                f"{each.owned} of {sum(each.states.values())}",
                ", ".join(each.workers) or "nobody",
            )
            for each in found
        ),
    )  # fmt: skip
    for each in found:
        if each.parked:
            yield f"{each.name} passes over {each.parked} aggregates: `semel dead list` names them"
        yield from (f"{each.name} {trouble}" for trouble in each.troubles[:_TROUBLES_SHOWN])


def _partitions(router: "Reaction") -> Iterator[str]:
    places = router.partitions or ()
    return table(
        ("partition", "state", "behind", "moved", "parked", "position", "head", "owner"),
        (
            (
                str(each.partition), each.state, str(each.behind),
                ago_if_known(each.moved), str(each.parked),
                str(each.position), str(each.head), each.owner or "nobody",
            )
            for each in places
        ),
    )  # fmt: skip
