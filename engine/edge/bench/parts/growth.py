"""Whether a command costs more where more is stored: aggregates, or events of one of them.

A hundredth, a tenth and all of so many aggregates (the default: 10^4, 10^5, 10^6) are stored on
three servers, each with an engine of its own. Then all three have as many commands handled, in
turn, round by round: a machine's speed changes within minutes by more than what is looked for
here, and within a round by little. So growth is the median of what the rounds say. The same is
done with customers of 10, 10^3 and 10^4 events, of as many events together.

The cost of a command is the CPU time of engine and server together.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any, NamedTuple, Self

import msgspec
from anyio.abc import Process

from engine import app
from engine.app import RedisSession
from engine.edge.bench import usage, wire, workload
from engine.edge.bench.figures import middle
from engine.edge.bench.nodes import running
from engine.edge.bench.prepared import write
from engine.edge.bench.stage import UNDISTURBED, Stage
from engine.edge.bench.workload import Wish
from engine.edge.server import embedded_server

STEPS = (100, 10, 1)
"""Divisors of the number of aggregates."""

VERSIONS = (10, 1000, 10_000)

_COUNTED_SHARE = 500
"""Of the number of aggregates: commands that are counted at each level in each round."""

_WARM_ROUNDS = 1
"""Not counted: while the last level is filled the first ones stand still."""

_LEAST_ROUNDS = 5
"""Or as many as ``--runs`` says: no fewer make a median that can be relied on."""

_LEAST_COUNTED = 200


class Cost(msgspec.Struct, frozen=True):
    """What commands took: rate by the clock, microseconds of a core for each."""

    per_second: float
    engine_us: float
    server_us: float

    @property
    def whole_us(self) -> float:
        """What a command takes of both."""
        return self.engine_us + self.server_us


class Grown(msgspec.Struct, frozen=True):
    """The costs by what was stored, in the middle of the rounds; ``growth`` is last by first."""

    levels: dict[str, Any]
    growth: float
    growth_range: tuple[float, float]

    @classmethod
    def of(cls, stored: Sequence[int], rounds: Sequence[Sequence[Cost]]) -> Self:
        """Of some rounds, each with the costs at all levels."""
        ratios = [costs[-1].whole_us / costs[0].whole_us for costs in rounds]
        levels = {
            str(level): middle(costs)
            for level, costs in zip(stored, zip(*rounds, strict=True), strict=True)
        }
        return cls(levels, median(ratios), (min(ratios), max(ratios)))


class Growth(msgspec.Struct, frozen=True):
    """By the number of aggregates, and by the number of events of each."""

    aggregates: Grown
    versions: Grown


async def growth(stage: Stage) -> Growth:
    """Fill the levels, and have commands handled at all of them, round by round."""
    return Growth(
        aggregates=await _grown(stage, [_orders(stage, step) for step in STEPS]),
        versions=await _grown(stage, list(_customers(stage))),
    )


class Level(NamedTuple):
    """``known`` is what is stored already; ``new`` has what a round takes, by its number."""

    stored: int
    known: Iterator[Wish]
    new: Callable[[int], Iterator[Wish]]


def _orders(stage: Stage, step: int) -> Level:
    size, count = stage.plan.aggregates // step, _counted(stage)

    def new(number: int) -> Iterator[Wish]:
        first = size + number * count
        return workload.created(range(first, first + count))

    return Level(size, workload.created(range(size)), new)


def _customers(stage: Stage) -> Iterator[Level]:
    """Of as many events together, so that as many ids are remembered and forgotten."""
    events = stage.plan.aggregates
    fitting = [version for version in VERSIONS if version <= events]
    # As many have new events at each, so that as many commands of a batch are of one of them.
    some = events // fitting[-1]
    for version in fitting:
        yield _renamed(range(events // version), some, version, -(-_counted(stage) // some))


def _renamed(customers: range, some: int, version: int, each: int) -> Level:
    """In each round so many events more of some, of others than before while there are any."""

    def new(number: int) -> Iterator[Wish]:
        first, before = number * some % len(customers), number * some // len(customers)
        begun = version + before * each
        return _names(customers[first : first + some], range(begun, begun + each))

    return Level(version, _names(customers, range(version)), new)


def _counted(stage: Stage) -> int:
    return max(_LEAST_COUNTED, stage.plan.aggregates // _COUNTED_SHARE)


def _names(customers: range, versions: range) -> Iterator[Wish]:
    for version in versions:
        verb = "RenameCustomer" if version else "RegisterCustomer"
        for customer in customers:
            yield Wish(verb, f"customer-{customer}", b'{"name":"name %d"}' % version)


async def _grown(stage: Stage, levels: Sequence[Level]) -> Grown:
    async with AsyncExitStack() as stack:
        systems = [await stack.enter_async_context(_system(stage)) for _ in levels]
        for system, level in zip(systems, levels, strict=True):
            await write(system.session, system.port, level.known)
        counted = max(_LEAST_ROUNDS, stage.plan.runs)
        rounds = [await _round(systems, levels, n) for n in range(_WARM_ROUNDS + counted)]
    return Grown.of([level.stored for level in levels], rounds[_WARM_ROUNDS:])


async def _round(
    systems: Sequence["_System"], levels: Sequence[Level], number: int
) -> Sequence[Cost]:
    """The costs at all levels; every other round begins with the last, for machines drift."""
    turn = -1 if number % 2 else 1
    pairs = list(zip(systems, levels, strict=True))[::turn]
    return [await system.cost(list(level.new(number))) for system, level in pairs][::turn]


class _System(NamedTuple):
    """A server, and the engine that fills it and then goes on with it.

    So windows of remembered ids are loaded when the clock begins to run: what a start costs is
    another figure's matter.
    """

    session: RedisSession
    port: int
    engine: Process

    async def cost(self, wishes: Sequence[Wish]) -> Cost:
        """Have commands handled, by the clocks."""
        used, server = usage.cpu_seconds(self.engine.pid), wire.server_cpu(self.port)
        began = time.perf_counter()
        await write(self.session, self.port, iter(wishes))
        seconds = time.perf_counter() - began
        used, server = (
            usage.cpu_seconds(self.engine.pid) - used, wire.server_cpu(self.port) - server
        )  # fmt: skip
        count = len(wishes)
        return Cost(count / seconds, used / count * 1e6, server / count * 1e6)


@asynccontextmanager
async def _system(stage: Stage) -> AsyncIterator[_System]:
    async with embedded_server(binary=stage.binary, options=UNDISTURBED) as server:
        here = stage.settings.model_copy(update={"redis": server.url})
        async with (
            app.namespace_session(here, create=app.DEFAULT_PARTITIONS) as session,
            running(here, "run") as engine,
        ):
            yield _System(session, server.port, engine)


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    for what, unit in (("aggregates", "aggregates stored"), ("versions", "events of each")):
        grown = said[what]
        for stored, cost in grown["levels"].items():
            yield f"growth      {cost['per_second']:>9,.0f} commands/s, {int(stored):,} {unit}"
            yield (
                f"            engine {cost['engine_us']:.1f}, server {cost['server_us']:.1f} "
                f"us each"
            )
        low, high = grown["growth_range"]
        yield (
            f"            {grown['growth']:.2f} x the cost from the first to the last, median of "
            f"all rounds ({low:.2f} to {high:.2f})"
        )
