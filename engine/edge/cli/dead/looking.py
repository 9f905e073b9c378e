"""``semel dead list`` and ``show``: what could not be handled, and why."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.core.errors import Misuse, SemelError
from engine.edge.cli.dead.letters import Aggregate, Code, Type, by_error
from engine.edge.cli.options import (
    ConfigFile,
    Format,
    Generation,
    Namespace,
    Output,
    Redis,
    settings_of,
)
from engine.edge.cli.output import plain, say, show
from engine.edge.cli.readable import document, table
from engine.edge.cli.running import on_session
from engine.edge.dead import COMMANDS, INBOX, DeadLetters, Filter
from engine.edge.parked import Parked

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.edge.dead import Dead
    from engine.settings import Settings

NOTHING = "nothing is parked, no letter is dead"

_ERROR_SHOWN = 100
"""Characters of an error in the list: `semel dead show` has all of it."""


def dead_list(  # noqa: PLR0913 -- the options of every verb, and its own
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="Projection, router, commands or inbox; or all."),
    ] = None,
    type: Type = None,
    code: Code = None,
    aggregate: Aggregate = None,
    grouped: Annotated[
        bool, typer.Option("--grouped", help="How many there are of each error and type.")
    ] = False,
    generation: Generation = None,
    limit: Annotated[int, typer.Option(min=1, help="So many dead letters per partition.")] = 100,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List aggregates that projections and routers have parked, and dead letters of commands.

    Projections and routers park an aggregate when their code cannot handle one of its events:
    the rest flows. They are those of the packages in the working directory; a source that is
    named is all that is listed.

    \b
    Examples:
      semel dead list -o jsonl
      semel dead list orders --generation 2
      semel dead list commands --grouped
    """  # noqa: D301 -- \b keeps the help's lines as they are
    settings, which = settings_of(redis, config, namespace), Filter(type, code, aggregate)
    if generation is not None and source in (None, COMMANDS, INBOX):
        raise Misuse("name the projection whose generation it is: semel dead list orders …")
    names = [source] if source else [*_projections(settings), COMMANDS, INBOX]

    async def work(session: "RedisSession") -> int:
        parked = Parked(session, generation)
        found = await DeadLetters(session).letters(limit)
        for name in names:
            found += [] if name in (COMMANDS, INBOX) else await parked.listed(name)
        found = [each for each in found if each.source in names and which.takes(each)]
        if grouped:
            groups = by_error(found)
            show(output, groups, _counted(groups) if groups else NOTHING)
        else:
            show(output, found, _listed(found) if found else NOTHING)
        return 0

    return on_session(settings, work)


def dead_show(  # noqa: PLR0913 -- the options of every verb, and its own
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A projection, a router, commands, or inbox.")
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The aggregate or letter, as the list names it.")
    ],
    generation: Generation = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show one of them with its error, and the traceback where there is one.

    \b
    Examples:
      semel dead show orders order-42
      semel dead show commands 7/1769860800000-0
    """  # noqa: D301 -- \b keeps the help's lines as they are
    settings = settings_of(redis, config, namespace)

    async def work(session: "RedisSession") -> int:
        if source in (COMMANDS, INBOX):
            letter = await DeadLetters(session).letter(source, name)
            read = letter | {"error": dict(letter["error"])}
            lines = read["error"].pop("traceback", "").splitlines()
            show(output, letter, [*document(read), *lines])
        else:
            note = await Parked(session, generation).note(source, name)
            read = plain(note)
            lines = read["error"].pop("traceback").splitlines()
            show(output, note, [*document(read), *lines])
        return 0

    return on_session(settings, work)


def _projections(settings: "Settings") -> list[str]:
    """The registered projections and routers; nothing is known of them without their code."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        domain = domain_of(settings)
    except SemelError as error:
        say(f"parked aggregates are not shown: {error}")
        return []
    return sorted((*domain.projections, *domain.reactions))


def _listed(found: "Sequence[Dead]") -> Iterator[str]:
    return table(
        ("source", "name", "aggregate", "at", "type", "attempts", "since", "error"),
        (
            (d.source, d.name, d.aggregate, d.at, d.type, d.attempts, _time(d.since_ms),
             d.error[:_ERROR_SHOWN])
            for d in found
        ),
    )  # fmt: skip


def _counted(groups: "Sequence[dict[str, Any]]") -> Iterator[str]:
    return table(
        ("source", "code", "type", "count", "since", "last", "error"),
        (
            (g["source"], g["code"], g["type"], g["count"], _time(g["since_ms"]),
             _time(g["last_ms"]), g["error"][:_ERROR_SHOWN])
            for g in groups
        ),
    )  # fmt: skip


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
