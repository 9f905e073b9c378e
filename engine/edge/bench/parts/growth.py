"""Whether a command costs more where more is stored: aggregates, or events of one of them.

As many commands are handled where a hundredth, a tenth and all of so many aggregates
are stored already (the default: 10^4, 10^5, 10^6); then by customers of 10, 10^3 and 10^4 events.
The cost of a command is the CPU time of engine and server together.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from engine import app
from engine.app import RedisSession
from engine.edge.bench import usage, wire, workload
from engine.edge.bench.nodes import running
from engine.edge.bench.prepared import write
from engine.edge.bench.stage import Stage
from engine.edge.bench.workload import Wish

STEPS = (100, 10, 1)
"""Divisors of the number of aggregates."""

VERSIONS = (10, 1000, 10_000)

_EVENTS_SHARE = 5
"""Of the number of aggregates: events of all customers of one version together."""

_COUNTED_SHARE = 50
"""Of the number of aggregates: commands that are counted at each level."""

_CUSTOMERS_LIMIT = 200

_LEAST_CUSTOMERS = 100
"""Where fewer aggregates than so many times a version are wanted, it is left out."""


class Level(msgspec.Struct, frozen=True):
    """What commands took where so much was stored already."""

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
    """Fill a namespace step by step, and have as much handled at each."""
    aggregates = stage.plan.aggregates
    count = max(200, aggregates // _COUNTED_SHARE)
    limit = max(VERSIONS[0], aggregates // _LEAST_CUSTOMERS)
    levels: list[Level] = []
    async with app.namespace_session(stage.settings, create=app.DEFAULT_PARTITIONS) as session:
        system, stored = _System(stage, session), 0
        for size in (aggregates // step for step in STEPS):
            end = max(stored, size)
            new = workload.created(range(end, end + count))
            known = workload.created(range(stored, end))
            levels.append(await system.level(size, known, new, count))
            stored = end + count
        versions = [
            await system.at_version(version, aggregates // _EVENTS_SHARE, count)
            for version in VERSIONS
            if version <= limit
        ]
    return Growth(
        {str(each.stored): each for each in levels}, levels[-1].cost / levels[0].cost,
        {str(each.stored): each for each in versions}, versions[-1].cost / versions[0].cost,
    )  # fmt: skip


class _System(NamedTuple):
    """A namespace, which an engine of its own fills and then goes on with.

    So windows of remembered ids are loaded when the clock begins to run: what a start costs is
    another figure's matter.
    """

    stage: Stage
    session: RedisSession

    async def level(
        self, stored: int, known: Iterator[Wish], new: Iterator[Wish], count: int
    ) -> Level:
        """Have known commands handled, then new ones, of which there are so many, by the clock."""
        port = self.stage.port
        async with running(self.stage.settings, "run") as engine:
            await write(self.session, port, known)
            used, server = usage.cpu_seconds(engine.pid), wire.server_cpu(port)
            began = time.perf_counter()
            await write(self.session, port, new)
            seconds = time.perf_counter() - began
            used, server = usage.cpu_seconds(engine.pid) - used, wire.server_cpu(port) - server
        return Level(stored, count / seconds, used / count * 1e6, server / count * 1e6)

    async def at_version(self, version: int, events: int, count: int) -> Level:
        """The same with customers of so many events, which have so many together."""
        names = [f"customer-{version}-{n}" for n in range(_customers(events, version))]
        each = -(-count // len(names))
        new = _renamed(names, range(version, version + each))
        known = _renamed(names, range(version))
        return await self.level(version, known, new, each * len(names))


def _customers(events: int, version: int) -> int:
    return min(_CUSTOMERS_LIMIT, max(1, events // version))


def _renamed(customers: list[str], versions: range) -> Iterator[Wish]:
    for number in versions:
        verb = "RenameCustomer" if number else "RegisterCustomer"
        for customer in customers:
            yield Wish(verb, customer, b'{"name":"name %d"}' % number)


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
