"""Whether a command costs more where more is stored: aggregates, or events of one of them.

The same number of commands is drained where a hundredth, a tenth and all of so many aggregates
are stored already (the default: 10^4, 10^5, 10^6); then by customers of 10, 10^3 and 10^4 events.
The cost of a command is the CPU time of engine and server together.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine import app
from engine.app import RedisSession
from engine.edge.bench import workload
from engine.edge.bench.nodes import running
from engine.edge.bench.parts.drain import Drain, drained
from engine.edge.bench.prepared import write
from engine.edge.bench.stage import Stage
from engine.edge.bench.workload import Wish

STEPS = (100, 10, 1)
"""Divisors of the number of aggregates."""

VERSIONS = (10, 1000, 10_000)

_EVENTS_SHARE = 5
"""Of the number of aggregates: events of all customers of one version together."""

_CUSTOMERS_LIMIT = 200

_LEAST_CUSTOMERS = 100
"""Where fewer aggregates than so many times a version are wanted, it is left out."""


class Level(msgspec.Struct, frozen=True):
    """A drain where so much was stored already."""

    stored: int
    per_second: float
    engine_us: float
    server_us: float

    @property
    def cost(self) -> float:
        """Microseconds of a core for a command."""
        return self.engine_us + self.server_us


class Growth(msgspec.Struct, frozen=True):
    """By what was stored; ``growth`` is the cost at the last level beside the first."""

    aggregates: dict[str, Level]
    aggregates_growth: float
    versions: dict[str, Level]
    versions_growth: float


async def growth(stage: Stage) -> Growth:
    """Fill a namespace step by step, and drain as much at each."""
    count = max(200, stage.plan.aggregates // 50)
    sizes = [stage.plan.aggregates // step for step in STEPS]
    settings = stage.settings
    async with app.namespace_session(settings, create=app.DEFAULT_PARTITIONS) as session:
        aggregates: list[Level] = []
        stored = 0
        for size in sizes:
            await _fill(stage, session, workload.created(range(stored, size)))
            stored = max(stored, size)
            new = workload.created(range(stored, stored + count))
            aggregates.append(_level(size, await _drained(stage, session, new, count)))
            stored += count
        limit = max(VERSIONS[0], stage.plan.aggregates // _LEAST_CUSTOMERS)
        wanted = [version for version in VERSIONS if version <= limit]
        versions = [await _at_version(stage, session, version, count) for version in wanted]
    return Growth(
        {str(each.stored): each for each in aggregates}, aggregates[-1].cost / aggregates[0].cost,
        {str(each.stored): each for each in versions}, versions[-1].cost / versions[0].cost,
    )  # fmt: skip


async def _at_version(stage: Stage, session: RedisSession, version: int, count: int) -> Level:
    """A drain by customers of so many events."""
    events = stage.plan.aggregates // _EVENTS_SHARE
    names = [f"customer-{version}-{n}" for n in range(_customers(events, version))]
    await _fill(stage, session, _renamed(names, range(version)))
    each = -(-count // len(names))
    wishes = _renamed(names, range(version, version + each))
    return _level(version, await _drained(stage, session, wishes, each * len(names)))


def _customers(events: int, version: int) -> int:
    return min(_CUSTOMERS_LIMIT, max(1, events // version))


def _renamed(customers: list[str], versions: range) -> Iterator[Wish]:
    for number in versions:
        verb = "RenameCustomer" if number else "RegisterCustomer"
        for customer in customers:
            yield Wish(verb, customer, b'{"name":"name %d"}' % number)


async def _fill(stage: Stage, session: RedisSession, wishes: Iterator[Wish]) -> None:
    """Have an engine of its own write them, which has stopped afterwards."""
    async with running(stage.settings, "run"):
        await write(session, stage.port, wishes)


async def _drained(
    stage: Stage, session: RedisSession, wishes: Iterator[Wish], count: int
) -> Drain:
    return await drained(stage.settings, stage.domain, stage.port, session, wishes, count)


def _level(stored: int, drain: Drain) -> Level:
    return Level(stored, drain.per_second, drain.engine_us, drain.server_us)


def _cost(level: Mapping[str, Any]) -> str:
    return f"engine {level['engine_us']:.1f}, server {level['server_us']:.1f} us each"


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    for what, unit in (("aggregates", "aggregates stored"), ("versions", "events of each")):
        for level in said[what].values():
            rate, stored = level["per_second"], level["stored"]
            yield f"growth      {rate:>9,.0f} commands/s, {stored:,.0f} {unit}"
            yield f"            {_cost(level)}"
        low, high = said[f"{what}_growth_range"]
        yield (
            f"            {said[f'{what}_growth']:.2f} x the cost from the first to the last "
            f"({low:.2f} to {high:.2f})"
        )
