"""``semel projection list`` and ``show``: how read models stand, and whether they move."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import NotFound, SemelError
from engine.core.spelling import meant
from engine.edge.cli.completing import projections
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say
from engine.edge.cli.readable import ago, ago_if_known, table
from engine.edge.cli.running import start
from engine.edge.cli.watching import Interval, Look, Watch, watched

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.standing import Group, Standing
    from engine.edge.projections import Generation, Projection
    from engine.settings import Settings

_TROUBLES_SHOWN = 3
"""Of a generation's, in the list: they are often alike, and `semel projection show` has all."""

_COLUMNS = ("state", "behind", "seconds", "rate", "moved", "parked", "group", "pending")


def projection_list(  # noqa: PLR0913 -- what every verb takes, and how often to look
    watch: Watch = False,
    interval: Interval = 1.0,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List projections with all their generations: what each lags, and whether it moves.

    `behind` counts events that were not read yet, `seconds` is the age of the oldest event
    that the rows lack, `moved` when something was last applied. `group` is what Redis says is
    left for the consumer group; workers read ahead, so it may be less.

    Example: semel projection list --watch
    """
    settings = settings_of(redis, config, namespace)
    view = _View(settings)

    async def look(session: "RedisSession") -> Look:
        found = await view.projections(session)
        generations = [each for one in found for each in one.generations]
        text = list(_list(generations)) if generations else ["no projection is known here"]
        return Look([each.whole() for each in generations], [*text, "", view.watcher])

    return start(lambda: watched(settings, look, output, interval if watch else None))


def projection_show(  # noqa: PLR0913 -- a projection, what every verb takes, how often to look
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The projection, such as orders.", autocompletion=projections
        ),
    ],
    watch: Watch = False,
    interval: Interval = 1.0,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show one projection, partition by partition.

    Example: semel projection show orders --watch
    """
    settings = settings_of(redis, config, namespace)
    view = _View(settings)

    async def look(session: "RedisSession") -> Look:
        [found] = await view.projections(session, name)
        return Look(found, [*_show(found), "", view.watcher])

    return start(lambda: watched(settings, look, output, interval if watch else None))


class _View:
    """Looks at projections, one after the other."""

    def __init__(self, settings: "Settings") -> None:
        from engine.edge.projections import Seen  # noqa: PLC0415

        self._settings, self._seen = settings, Seen()
        self._registered = _registered(settings)
        self.watcher = ""
        """Who would tell if something went wrong, in a sentence."""

    async def projections(self, session: "RedisSession", only: str = "") -> "list[Projection]":
        """All that are known, or one of them; raises `NotFound`."""
        from engine.edge.projections import Projections  # noqa: PLC0415
        from engine.edge.survey import Survey  # noqa: PLC0415

        survey = Survey(session, self._settings.lease_seconds)
        await survey.nodes()
        known = sorted(survey.projections.union(self._registered or ()))
        if only and only not in known:
            there = ", ".join(known) or "none at all"
            raise NotFound(f"there is no projection {only!r}. {meant(only, known)}There is {there}")
        look = Projections(session, survey.reports, self._seen)
        found = [await look.look(name) for name in ([only] if only else known)]
        watcher = await survey.watcher()
        self.watcher = f"watched by {watcher}" if watcher else (
            "nobody watches them, and nobody would tell: start `semel project` or `semel run`"
        )  # fmt: skip
        return found


def _registered(settings: "Settings") -> list[str]:
    """The projections of the code here; without it, those are known that somebody serves."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        return list(domain_of(settings).projections)
    except SemelError as error:
        say(f"only projections that are served are known: {error}")
        return []


def _list(generations: "Sequence[Generation]") -> Iterator[str]:
    yield from table(
        ("projection", "generation", *_COLUMNS, "partitions", "workers"),
        ((g.name, f"{g.generation} {g.stage}", *_cells(g), f"{g.owned} of {sum(g.states.values())}",
          ", ".join(g.workers) or "nobody") for g in generations),
    )  # fmt: skip
    for generation in generations:
        yield from _said(generation, _TROUBLES_SHOWN)


def _show(projection: "Projection") -> Iterator[str]:
    if projection.paused:
        yield f"{projection.name} is paused: nothing is applied until `semel projection resume`"
    for generation in projection.generations:
        workers = ", ".join(generation.workers) or "nobody"
        yield f"{_named(generation)} {generation.stage}: {generation.state}, read by {workers}"
        yield from _said(generation, len(generation.troubles))
        if generation.partitions:
            yield from table(
                ("partition", *_COLUMNS, "position", "head", "owner"),
                (_row(list(alike)) for _, alike in groupby(generation.partitions, _alike)),
            )
        yield ""
    compared = projection.compared
    if compared is None:
        yield "no rows of two generations were compared since the last flip"
        return
    code = "the same code" if compared.same_code else "other code"
    yield (
        f"live was compared with the one before, made by {code}: of {compared.rows} rows "
        f"{compared.differ} differ, {compared.unsettled} moved on meanwhile"
    )
    for each in compared.examples:
        yield f"  {each.row} {each.field or 'row'}: {each.previous or '-'} -> {each.live or '-'}"


def _said(generation: "Generation", limit: int) -> Iterator[str]:
    """What there is to say of a generation beside its numbers."""
    named, build = _named(generation), generation.build
    for alert in generation.alerts:
        yield f"{named} ALERT: {alert.why}"
    if build is not None:
        left = "nobody knows how long" if build.left_seconds is None else ago(build.left_seconds)
        yield f"{named} is built: {build.done} of {build.of} events, {build.percent} %, {left} left"
    if generation.parked:
        yield (
            f"{named} passes over {generation.parked} aggregates: its rows lack "
            f"{generation.passed_over} events; `semel dead list` names them"
        )
    yield from (f"{named} {trouble}" for trouble in generation.troubles[:limit])
    more = len(generation.troubles) - limit
    if more > 0:
        yield f"{named} … {more} more: semel projection show {generation.name}"


def _named(generation: "Generation") -> str:
    return f"{generation.name}@{generation.generation}"


def _cells(each: "Generation | Standing") -> Iterable[str]:
    """The columns that generations and their partitions have in common."""
    group: Group | None = each.group
    return (
        each.state,
        str(each.behind),
        ago_if_known(each.seconds),
        "-" if each.rate is None else f"{each.rate:g}/s",
        ago_if_known(each.moved),
        f"{each.parked} ({each.passed_over} events)" if each.parked else "0",
        "-" if group is None or group.lag is None else str(group.lag),
        "-" if group is None else str(group.pending),
    )


def _alike(standing: "Standing") -> tuple[str, str, int]:
    """What neighbours must have in common to share a line: an owner, and nothing done yet."""
    return standing.owner, standing.state, standing.partition if standing.head else -1


def _row(standings: "Sequence[Standing]") -> tuple[str, ...]:
    first, last = standings[0], standings[-1]
    number = f"{first.partition}" if first is last else f"{first.partition}-{last.partition}"
    return (number, *_cells(first), str(first.position), str(first.head), first.owner or "nobody")
