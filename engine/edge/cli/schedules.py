"""The recurring schedules of a domain: `semel schedules list`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from engine.core.routing import partition_of
from engine.core.schedules import Mark, Recurring
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import show
from engine.edge.cli.readable import moment, table
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession


class Listed(msgspec.Struct):
    """One schedule; ``last`` is the occurrence that was submitted last, or when it began.

    It is empty where no engine has served it with these times yet; ``owner`` where none does now.
    """

    schedule: str
    cron: str
    zone: str
    command: str
    aggregate: str
    last: str
    next: str
    owner: str


def schedules_list(
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List the schedules of the handlers found here: how far each has come, and who serves it.

    Example: semel schedules list -o json
    """
    from engine.app import domain_of  # noqa: PLC0415

    settings = settings_of(redis, config, namespace)
    schedules = domain_of(settings).schedules.values()

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            listed = [await _listed(session, each) for each in schedules]
        show(output, listed, list(_text(listed)))
        return 0

    return start(work)


async def _listed(session: "RedisSession", recurring: Recurring) -> Listed:
    schedule = recurring.schedule
    home = partition_of(schedule.aggregate, session.partitions)
    mark = Mark.read(await session.occurrences.mark(home, recurring.source))
    lease = session.schedule_lease(schedule.name)
    owner = (await session.leases.look([lease]))[lease].node
    is_known = mark.times == recurring.times
    after = mark.at_ms if is_known else await session.now_ms()
    return Listed(
        schedule.name, schedule.cron, schedule.zone, type(schedule.command).__name__,
        schedule.aggregate, moment(mark.at_ms) if is_known else "",
        moment(recurring.next_ms(after)), owner,
    )  # fmt: skip


def _text(listed: list[Listed]) -> Iterator[str]:
    if not listed:
        yield "no schedule is registered: the handlers package lists them as `schedules`"
        return
    yield from table(
        ("schedule", "cron", "zone", "command", "last", "next", "owner"),
        ((each.schedule, each.cron, each.zone, f"{each.command} {each.aggregate}",
          each.last or "-", each.next, each.owner or "nobody") for each in listed),
    )  # fmt: skip
