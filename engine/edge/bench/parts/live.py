"""What clients notice of a rebuild: commands and views at a steady rate before, during, after.

An engine node, a worker and a client (`load`) are processes of their own; the worker builds a
new generation at the load that is usual, beside what the client asks for.
Afterwards the rows of both generations are compared, each with each.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import msgspec

from engine.app import RedisSession
from engine.core.comparing import Compared, Comparing, read_compared
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import load, prepared, wording
from engine.edge.bench.figures import Latency, ratio
from engine.edge.bench.load import AFTER, BEFORE, DURING, Phase
from engine.edge.bench.nodes import running, share_evenly, told_by
from engine.edge.bench.parts.projection import PROJECTION
from engine.edge.bench.plan import Plan
from engine.edge.bench.quiet import caught_up
from engine.edge.bench.workload import EVENTS_PER_ORDER
from engine.settings import Settings

PARTITIONS = 8
"""As a small machine wants them: with more, fewer commands of a moment are of one partition, and
each batch costs engine, worker and server the same, however small it is."""

_COMPARED_SECONDS = 600.0
"""For the curator, who takes a fifth of the time to look at all rows."""

_LIMIT_SECONDS, _LIMIT_PER_SECOND = 60.0, 500
"""A build that has not gone live after so long and as if so few events were built in a second
does not under this load: that is said, and the scene goes on."""

_LOOK_SECONDS = 0.1


class Noticed(msgspec.Struct, frozen=True):
    """What clients noticed; ``flipped`` is whether the build went live under load.

    ``outcome_p99_growth`` and ``view_p99_growth`` are during beside before. ``differ`` counts
    rows of which the generations say different things, when both have taken all; ``curator``
    is what the curator found by itself.
    """

    rate: int
    max_load: float
    events_before: int
    commands: int
    flipped: bool
    before: Phase
    during: Phase
    after: Phase
    outcome_p99_growth: float
    view_p99_growth: float
    errors: dict[str, int]
    client_share: float
    late_p99: float
    rows: int
    differ: int
    curator: Compared


async def live(settings: Settings, domain: Domain, port: int, plan: Plan) -> Noticed:
    """Load a system, rebuild under it, and compare; raises `SemelError` where it stands still."""
    orders = prepared.orders_for(plan.events)
    few = settings.model_copy(update={"partitions": PARTITIONS})
    async with (
        prepared.history_of(few, port, orders) as session,
        running(settings, "run"),
        running(settings, "project"),
    ):
        keys = [session.partition_lease(number) for number in range(session.partitions)]
        await share_evenly(session, keys, 1)
        await caught_up(session, list(domain.projections))
        limit = _LIMIT_SECONDS + plan.events / _LIMIT_PER_SECOND
        asked = load.Plan(
            settings.redis, settings.namespace, plan.rate, plan.seconds, limit, len(orders),
            plan.max_load,
        )  # fmt: skip
        told = await told_by(load.MODULE, msgspec.json.encode(asked).decode())
        seen = msgspec.json.decode(told, type=load.Seen)
        await caught_up(session, list(domain.projections))
        curator = await _judged(session)
        rows = await _compared(session)
    before, during = seen.phases[BEFORE], seen.phases[DURING]
    return Noticed(
        rate=plan.rate, max_load=plan.max_load,
        events_before=len(orders) * EVENTS_PER_ORDER, commands=seen.commands,
        flipped=seen.flipped,
        before=before, during=during, after=seen.phases[AFTER],
        outcome_p99_growth=later_by(during.outcome, before.outcome),
        view_p99_growth=later_by(during.view, before.view),
        errors=seen.errors, client_share=seen.client_share, late_p99=seen.late.p99,
        rows=rows.rows, differ=rows.differ, curator=curator,
    )  # fmt: skip


def later_by(during: Latency, before: Latency) -> float:
    """How many times as late one in a hundred is; raises `SemelError` where nobody waited."""
    if not during.count:
        raise SemelError(
            "the build was live before anything could be waited for: more --events, or a higher "
            "--rate, leave time for it"
        )
    return ratio(during.p99, before.p99)


async def _compared(session: RedisSession) -> Compared:
    """Hold all rows of two generations beside each other, which nobody moves any more."""
    builds, found = session.builds, await session.builds.read(PROJECTION)
    live, previous = found.live, found.previous
    positions = [await builds.positions(PROJECTION, each) for each in (live, previous)]
    comparing = Comparing(*positions, same_code=found.digest == found.previous_digest)
    async for pairs in builds.pairs(PROJECTION, live, previous):
        for pair in pairs:
            if not comparing.take(pair):
                raise SemelError(f"the row {pair.row} has taken other events in one generation")
    return comparing.result


async def _judged(session: RedisSession) -> Compared:
    """What the curator found, once both are kept up and it has looked."""
    with anyio.move_on_after(_COMPARED_SECONDS):
        while True:
            if said := (await session.builds.read(PROJECTION)).compared:
                return read_compared(said)
            await anyio.sleep(_LOOK_SECONDS)
    raise SemelError(f"the curator has compared nothing within {_COMPARED_SECONDS:g} s")


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    for phase in ("before", "during", "after"):
        for what in ("outcome", "view"):
            name = f"{phase} ({said[phase]['seconds']:.0f} s), {what}"
            yield f"live        {wording.times(name, said[phase][what])}"
    errors = ", ".join(f"{count} {name}" for name, count in said["errors"].items()) or "none"
    yield (
        f"            {said['rate']:,} commands/s, load {said['max_load']:g}; p99 during: outcome "
        f"{said['outcome_p99_growth']:.2f} x before, view {said['view_p99_growth']:.2f} x"
    )
    yield f"            errors of {said['commands']:,} commands: {errors}"
    if not said["flipped"]:
        yield "            the build did not go live while the load went on"
    yield (
        f"            {said['rows']:,} rows of both generations compared, {said['differ']} differ; "
        f"by the curator {said['curator']['rows']:,} and {said['curator']['differ']}"
    )
    yield (
        f"            client busy {said['client_share']:.0%} of a core, sent p99 "
        f"{said['late_p99']:.2f} ms late"
    )
