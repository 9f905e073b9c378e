"""The timers of a namespace: `semel timers list`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from engine.core.errors import Misuse
from engine.core.firing import TimerSeen
from engine.core.routing import aggregate_fault, partition_of
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import show
from engine.edge.cli.readable import ago, moment, table
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession

SET, OVERDUE, FIRED = "set", "overdue", "fired"
"""What a timer is: it waits for its time; that has come; it is a command, not handled yet."""


class Listed(msgspec.Struct):
    """One timer; ``command`` is what it sends, ``number`` the entry of the command that set it."""

    aggregate: str
    name: str
    due: str
    state: str
    command: str
    data: str
    number: str
    seconds: float
    """Until it is due; below 0 since then."""


Of = Annotated[
    str | None,
    typer.Option("--aggregate", metavar="ID", help="Only this aggregate's, those that fired too."),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Timers at the most, the next first.")]


def timers_list(  # noqa: PLR0913 -- the options of every verb, and its own
    aggregate: Of = None,
    limit: Limit = 20,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List timers that are set: which are due next, or those of one aggregate.

    Example: semel timers list --aggregate order-42
    """
    settings = settings_of(redis, config, namespace)
    if aggregate is not None and (fault := aggregate_fault(aggregate)):
        raise Misuse(f"{aggregate!r} cannot be an aggregate: it {fault}")

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            found = await _found(session, aggregate, limit)
            now = await session.now_ms()
        listed = [_listed(timer, now) for timer in found]
        show(output, listed, list(_text(listed)))
        return 0

    return start(work)


async def _found(session: "RedisSession", aggregate: str | None, limit: int) -> list[TimerSeen]:
    if aggregate is not None:
        home = partition_of(aggregate, session.partitions)
        return (await session.timers.of(home, aggregate))[:limit]
    pages = [await session.timers.first(number, limit) for number in range(session.partitions)]
    return sorted((timer for page in pages for timer in page), key=lambda each: each.at)[:limit]


def _listed(timer: TimerSeen, now_ms: int) -> Listed:
    left = timer.at - now_ms
    state = FIRED if timer.fired else SET if left > 0 else OVERDUE
    return Listed(
        timer.aggregate, timer.name, moment(timer.at), state, timer.type or "?",
        timer.data, timer.number, left / 1000,
    )  # fmt: skip


def _text(listed: list[Listed]) -> Iterator[str]:
    if not listed:
        yield "no timer is set"
        return
    yield from table(
        ("aggregate", "timer", "due", "in", "state", "command"),
        ((each.aggregate, each.name, each.due, _away(each.seconds), each.state, each.command)
         for each in listed),
    )  # fmt: skip


def _away(seconds: float) -> str:
    return ago(seconds) if seconds > 0 else f"{ago(-seconds)} ago"
