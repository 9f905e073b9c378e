"""``semel dead retry`` and ``drop``: what to do about parked aggregates, and dead letters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import Misuse, NotFound, NotYet
from engine.core.parking import DROP, RETRY
from engine.edge.building import Building
from engine.edge.cli.dead.letters import (
    Aggregate,
    Code,
    DryRun,
    Type,
    drop_letters,
    retry_letters,
)
from engine.edge.cli.options import (
    ConfigFile,
    Format,
    Generation,
    Namespace,
    Output,
    Redis,
    Wait,
    settings_of,
)
from engine.edge.cli.output import show
from engine.edge.cli.projection.adopt import take_mended
from engine.edge.cli.running import on_session
from engine.edge.dead import COMMANDS, INBOX, Filter
from engine.edge.foreseeing import Foreseen
from engine.edge.parked import Answer, Answered, Parked

if TYPE_CHECKING:
    from engine.app import RedisSession

LETTERS = (COMMANDS, INBOX)
"""Sources of letters; the others are projections and routers."""

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A projection, a router, commands, or inbox.")
]
Name = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="The aggregate, or letter, as the list names it."),
]


def dead_retry(  # noqa: PLR0913 -- the options of every verb, and its own
    source: Source,
    name: Name = None,
    type: Type = None,
    code: Code = None,
    aggregate: Aggregate = None,
    dry_run: DryRun = False,
    no_adopt: Annotated[
        bool, typer.Option("--no-adopt", help="Leave it to workers with the code of before.")
    ] = False,
    generation: Generation = None,
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Have what was parked replayed, or dead letters' commands submitted again.

    All that fit, unless one is named. A letter's command is a new one, whose id names the old; it
    goes in the same step. Exits 1 where one could not be submitted.

    A parked aggregate is replayed in order. Mend and deploy the code first: a projection's takes
    the live generation over (`semel projection adopt`). Rows that have since taken events of
    others only a rebuild mends. Exits 1 when one is still parked, 6 when nobody answers.

    \b
    Examples:
      semel dead retry orders order-42
      semel dead retry commands --type CreateOrder --code raised
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine.app import domain_of  # noqa: PLC0415

    settings, which = settings_of(redis, config, namespace), _filter(source, type, code, aggregate)
    domain = None if source in LETTERS else domain_of(settings)

    async def work(session: "RedisSession") -> int:
        if domain is None:
            return await retry_letters(session, source, name, which, output, dry_run=dry_run)
        parked = Parked(session, generation)
        names, seconds = await _names(parked, source, name), wait or settings.wait_seconds
        if source in domain.projections and generation is None and not no_adopt:
            building = Building(session, source, settings.lease_seconds)
            await take_mended(building, domain, seconds, dry_run=dry_run)
        if dry_run:
            seen = [await parked.foresee(domain, settings, source, each) for each in names]
            return _show(seen, output)
        return await _ask(parked, RETRY, source, names, seconds, output)

    return on_session(settings, work)


def dead_drop(  # noqa: PLR0913 -- the options of every verb, and its own
    source: Source,
    name: Name = None,
    type: Type = None,
    code: Code = None,
    aggregate: Aggregate = None,
    dry_run: DryRun = False,
    generation: Generation = None,
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Give up what was parked, or throw dead letters of commands away.

    The rows of a parked aggregate will lack these events; later ones are applied again. Of a
    router's nothing will follow.
    `semel verify` names its rows as wrong until the projection is rebuilt. Of letters, all that
    fit are dropped, unless one is named.

    \b
    Examples:
      semel dead drop orders order-42
      semel dead drop commands --code deadly --dry-run
    """  # noqa: D301 -- \b keeps the help's lines as they are
    settings, which = settings_of(redis, config, namespace), _filter(source, type, code, aggregate)
    if source not in LETTERS and (name is None or dry_run):
        raise Misuse("which parked aggregate? semel dead drop PROJECTION AGGREGATE")

    async def work(session: "RedisSession") -> int:
        if source in LETTERS or name is None:
            return await drop_letters(session, source, name, which, output, dry_run=dry_run)
        seconds = wait or settings.wait_seconds
        parked = Parked(session, generation)
        return await _ask(parked, DROP, source, [name], seconds, output)

    return on_session(settings, work)


def _filter(source: str, type: str | None, code: str | None, aggregate: str | None) -> Filter:
    """Which letters are meant; raises `Misuse` where it is not letters that are asked for."""
    which = Filter(type, code, aggregate)
    if source not in LETTERS and which != Filter():
        raise Misuse("--type, --code and --aggregate choose dead letters: of commands, or inbox")
    return which


async def _names(parked: Parked, projection: str, aggregate: str | None) -> list[str]:
    """The parked aggregate that is meant, or all; raises `NotFound`."""
    if aggregate is not None:
        await parked.note(projection, aggregate)
        return [aggregate]
    names = [name async for _, name, _ in parked.aggregates(projection)]
    if not names:
        raise NotFound(f"no aggregate is parked in {projection}")
    return names


def _show(seen: Sequence[Foreseen], output: Format) -> int:
    """Show what a replay of aggregates would do; returns the exit code."""
    show(output, seen, map(_foreseen, seen))
    return 1 if any(each.error for each in seen) else 0


async def _ask(  # noqa: PLR0913 -- a request about aggregates, and how to show the answers
    parked: Parked, verb: str, projection: str, names: Sequence[str], seconds: float,
    output: Format,
) -> int:  # fmt: skip
    """Ask about aggregates, wait for all answers and show them; returns the exit code."""
    import anyio  # noqa: PLC0415

    deadline = anyio.current_time() + seconds
    asks = [await parked.ask(verb, projection, name) for name in names]
    answers = [await parked.answer(projection, ask, deadline) for ask in asks]
    show(output, answers, map(_answered, answers))
    found = {each.answer for each in answers}
    if Answer.UNANSWERED in found:
        return NotYet.exit_code
    return 1 if Answer.STILL_PARKED in found else 0


def _answered(each: Answered) -> str:
    about = f"{each.projection} {each.aggregate}"
    if each.answer is Answer.DONE:
        return f"{about}: done"
    return f"{about}: {each.answer} from position {each.position}: {each.error}"


def _foreseen(each: Foreseen) -> str:
    done = f"be applied to {each.rows} rows"
    if each.commands is not None:
        done = f"have {each.commands} commands sent"
    said = (
        f"{each.projection} {each.aggregate}: {each.events} events from position {each.position} "
        f"to {each.upto} would {done}"
    )
    if not each.error:
        return said
    return f"{said}, then position {each.stops_at} is in the way: {each.error}"
