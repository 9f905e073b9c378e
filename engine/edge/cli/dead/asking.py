"""``semel dead retry`` and ``drop``: what to do about parked aggregates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import NotFound, NotYet
from engine.core.parking import DROP, RETRY
from engine.edge.building import Building
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
from engine.edge.foreseeing import Foreseen
from engine.edge.parked import Answer, Answered, Parked

if TYPE_CHECKING:
    from engine.app import RedisSession

Projection = Annotated[
    str, typer.Argument(metavar="PROJECTION", help="The projection, such as orders, or the router.")
]


def dead_retry(  # noqa: PLR0913 -- the options of every verb, and its own
    projection: Projection,
    aggregate: Annotated[
        str | None, typer.Argument(metavar="[AGGREGATE]", help="One of them; all unless named.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the code found here would do; do nothing.")
    ] = False,
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
    """Have a projection, or a router, replay parked aggregates, each from where it was parked.

    Mend and deploy the projection's code first: where the code found here is not that of the
    live generation, it takes that over (see `semel projection adopt`). An aggregate whose
    rows have since taken events of others cannot be replayed: only a rebuild mends those, and
    the answer says so. Exits 0 when all have caught up, 1 when one is still parked, 6 when
    nobody answers. (Dead letters of commands are not retried by this: submit the command
    again, with a new id.)

    \b
    Examples:
      semel dead retry orders --dry-run
      semel dead retry orders order-42
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine.app import domain_of  # noqa: PLC0415

    settings = settings_of(redis, config, namespace)
    domain = domain_of(settings)

    async def work(session: "RedisSession") -> int:
        parked, seconds = Parked(session, generation), wait or settings.wait_seconds
        names = await _names(parked, projection, aggregate)
        if projection in domain.projections and generation is None and not no_adopt:
            building = Building(session, projection, settings.lease_seconds)
            await take_mended(building, domain, seconds, dry_run=dry_run)
        if not dry_run:
            return await _ask(parked, RETRY, projection, names, seconds, output)
        seen = [await parked.foresee(domain, settings, projection, name) for name in names]
        show(output, seen, map(_foreseen, seen))
        return 1 if any(each.error for each in seen) else 0

    return on_session(settings, work)


def dead_drop(  # noqa: PLR0913 -- the options of every verb, and its own
    projection: Projection,
    aggregate: Annotated[str, typer.Argument(metavar="AGGREGATE", help="The parked aggregate.")],
    generation: Generation = None,
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Give up what a projection has parked: its rows will lack these events.

    (Of a router: nothing will be sent because of them.) Later events of the aggregate are applied
    again. `semel verify` names its rows as wrong
    until the projection is rebuilt.

    Example: semel dead drop orders order-42
    """
    settings = settings_of(redis, config, namespace)

    async def work(session: "RedisSession") -> int:
        seconds = wait or settings.wait_seconds
        parked = Parked(session, generation)
        return await _ask(parked, DROP, projection, [aggregate], seconds, output)

    return on_session(settings, work)


async def _names(parked: Parked, projection: str, aggregate: str | None) -> list[str]:
    """The parked aggregate that is meant, or all; raises `NotFound`."""
    if aggregate is not None:
        await parked.note(projection, aggregate)
        return [aggregate]
    names = [name async for _, name, _ in parked.aggregates(projection)]
    if not names:
        raise NotFound(f"no aggregate is parked in {projection}")
    return names


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
