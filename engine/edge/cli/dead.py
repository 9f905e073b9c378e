"""``semel dead``: what could not be handled, and what to do about it."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import NotFound, NotYet, SemelError
from engine.core.parking import DROP, RETRY
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, Wait, settings_of
from engine.edge.cli.output import plain, say, show
from engine.edge.cli.readable import document, table
from engine.edge.cli.running import start
from engine.edge.dead import COMMANDS, INBOX, Answer, Answered, DeadLetters, Foreseen

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.edge.dead import Dead
    from engine.settings import Settings

_ERROR_SHOWN = 100
"""Characters of an error in the list: `semel dead show` has all of it."""

Projection = Annotated[
    str, typer.Argument(metavar="PROJECTION", help="The projection, such as orders.")
]


def dead_list(
    limit: Annotated[int, typer.Option(min=1, help="So many dead letters per partition.")] = 100,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List aggregates that projections have parked, and dead letters of commands.

    A projection parks an aggregate when its code cannot handle one of its events: the rest
    flows. Projections are those of the package in the working directory.

    Example: semel dead list -o jsonl
    """
    settings = settings_of(redis, config, namespace)
    names = _projections(settings)

    async def work(session: "RedisSession") -> int:
        found = await DeadLetters(session).every(names, limit)
        show(output, found, _listed(found) if found else "nothing is parked, no letter is dead")
        return 0

    return _on_session(settings, work)


def dead_show(  # noqa: PLR0913 -- the options of every verb, and its own
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A projection, or commands, or inbox.")
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The aggregate or letter, as the list names it.")
    ],
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show one of them with its error: of a parked aggregate, the traceback too.

    \b
    Examples:
      semel dead show orders order-42
      semel dead show commands 7/1769860800000-0
    """  # noqa: D301 -- \b keeps the help's lines as they are
    settings = settings_of(redis, config, namespace)

    async def work(session: "RedisSession") -> int:
        dead = DeadLetters(session)
        if source in (COMMANDS, INBOX):
            letter = await dead.letter(source, name)
            show(output, letter, document(letter))
        else:
            note = await dead.note(source, name)
            read = plain(note)
            lines = read["error"].pop("traceback").splitlines()
            show(output, note, [*document(read), *lines])
        return 0

    return _on_session(settings, work)


def dead_retry(  # noqa: PLR0913 -- the options of every verb, and its own
    projection: Projection,
    aggregate: Annotated[
        str | None, typer.Argument(metavar="[AGGREGATE]", help="One of them; all unless named.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the code found here would do; do nothing.")
    ] = False,
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Have a projection replay parked aggregates, each from where it was parked, in order.

    Mend and deploy the projection's code first. An aggregate whose rows have since taken
    events of others cannot be replayed: only a rebuild mends those, and the answer says so.
    Exits 0 when all have caught up, 1 when one is still parked, 6 when nobody answers. (Dead
    letters of commands are not retried by this: submit the command again, with a new id.)

    \b
    Examples:
      semel dead retry orders --dry-run
      semel dead retry orders order-42
    """  # noqa: D301 -- \b keeps the help's lines as they are
    settings = settings_of(redis, config, namespace)

    async def work(session: "RedisSession") -> int:
        dead = DeadLetters(session)
        names = [aggregate] if aggregate else [name async for _, name, _ in dead.parked(projection)]
        if not names:
            raise NotFound(f"no aggregate is parked in {projection}")
        if not dry_run:
            return await _ask(dead, RETRY, projection, names, wait or settings.wait_seconds, output)
        from engine.app import domain_of  # noqa: PLC0415

        domain = domain_of(settings)
        seen = [await dead.foresee(domain, projection, name) for name in names]
        show(output, seen, map(_foreseen, seen))
        return 1 if any(each.error for each in seen) else 0

    return _on_session(settings, work)


def dead_drop(  # noqa: PLR0913 -- the options of every verb, and its own
    projection: Projection,
    aggregate: Annotated[str, typer.Argument(metavar="AGGREGATE", help="The parked aggregate.")],
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Give up what a projection has parked: its rows will lack these events.

    Later events of the aggregate are applied again. `semel verify` names its rows as wrong
    until the projection is rebuilt.

    Example: semel dead drop orders order-42
    """
    settings = settings_of(redis, config, namespace)

    async def work(session: "RedisSession") -> int:
        seconds = wait or settings.wait_seconds
        return await _ask(DeadLetters(session), DROP, projection, [aggregate], seconds, output)

    return _on_session(settings, work)


async def _ask(  # noqa: PLR0913 -- a request about aggregates, and how to show the answers
    dead: DeadLetters, verb: str, projection: str, names: Sequence[str], seconds: float,
    output: Format,
) -> int:  # fmt: skip
    """Ask about aggregates, wait for all answers and show them; returns the exit code."""
    import anyio  # noqa: PLC0415

    deadline = anyio.current_time() + seconds
    asks = [await dead.ask(verb, projection, name) for name in names]
    answers = [await dead.answer(projection, ask, deadline) for ask in asks]
    show(output, answers, map(_answered, answers))
    found = {each.answer for each in answers}
    if Answer.UNANSWERED in found:
        return NotYet.exit_code
    return 1 if Answer.STILL_PARKED in found else 0


def _on_session(settings: "Settings", work: Callable[["RedisSession"], Awaitable[int]]) -> int:
    """Run a verb that needs nothing but a session."""

    async def run() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            return await work(session)

    return start(run)


def _projections(settings: "Settings") -> list[str]:
    """The registered projections; without the project's code nothing is known of them."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        return sorted(domain_of(settings).projections)
    except SemelError as error:
        say(f"parked aggregates are not shown: {error}")
        return []


def _listed(found: "Sequence[Dead]") -> Iterator[str]:
    return table(
        ("source", "name", "aggregate", "at", "type", "attempts", "since", "error"),
        (
            (d.source, d.name, d.aggregate, d.at, d.type, d.attempts, _time(d.since_ms),
             d.error[:_ERROR_SHOWN])
            for d in found
        ),
    )  # fmt: skip


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _answered(each: Answered) -> str:
    about = f"{each.projection} {each.aggregate}"
    if each.answer is Answer.DONE:
        return f"{about}: done"
    return f"{about}: {each.answer} from position {each.position}: {each.error}"


def _foreseen(each: Foreseen) -> str:
    said = (
        f"{each.projection} {each.aggregate}: {each.events} events from position {each.position} "
        f"to {each.upto} would be applied to {each.rows} rows"
    )
    if not each.error:
        return said
    return f"{said}, then position {each.stops_at} is in the way: {each.error}"
