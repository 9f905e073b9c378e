"""What it takes to load an aggregate that is cold: one with a long history beside one with a short.

An engine node writes the histories, from commands, and is stopped. Then one aggregate at a time is
brought to life as a partition's owner does it, by actors that know nothing yet: in one round
trip, decoded and folded. Beside the long one that was just kept stands the same with as many
events above its snapshot as there can be, and the same without any.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from statistics import median
from typing import Any

import msgspec

from engine import app
from engine.app import Actors, RedisSession
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.core.timebook import TimerBook, TimerLimits
from engine.edge.bench.figures import middle
from engine.edge.bench.prepared import write_history
from engine.edge.bench.workload import Wish
from engine.settings import Settings

SHORT, LONG = 10, 10_000
"""Events of the two."""

RUNS = 5
"""Runs, of which the median counts: this is said with its spread."""

_LOADS = 200
"""Loads of each in one run, in turn, so that whatever disturbs one disturbs all."""

_BARE_LOADS = 5
"""The same without snapshots: each takes as long as hundreds of the others."""

_LEASE_SECONDS = 30


class Load(msgspec.Struct, frozen=True):
    """Microseconds that a load takes, of ``events`` many and of few; ``growth`` is their ratio.

    ``worst`` is with ``above`` events above the snapshot, ``bare`` without a snapshot.
    """

    events: int
    above: int
    short_us: float
    long_us: float
    growth: float
    worst_us: float
    worst_growth: float
    bare_us: float


async def load(settings: Settings, domain: Domain, port: int, events: int = LONG) -> dict[str, Any]:
    """The medians of the runs, as `Load` says; settings say how often states are kept."""
    short, long, worst = "customer-short", "customer-long", "customer-worst"
    above = max(0, settings.snapshot_events - 1)
    partitions = settings.partitions or app.DEFAULT_PARTITIONS
    async with app.namespace_session(settings, create=partitions) as session:
        first = [(short, SHORT), (long, events), (worst, events)]
        await write_history(
            settings, session, port, chain(*(_renamed(each, range(n)) for each, n in first))
        )
        for aggregate in (long, worst):
            await _keep(settings, session, domain, aggregate)
        await write_history(settings, session, port, _renamed(worst, range(events, events + above)))
        loads = _Loads(session, domain)
        without = settings.model_copy(update={"snapshot_events": 0})
        runs = []
        for _ in range(RUNS):
            few, many, most = await loads.take(settings, (short, long, worst), _LOADS)
            [bare] = await loads.take(without, (long,), _BARE_LOADS)
            runs.append(Load(events, above, few, many, many / few, most, most / few, bare))
    return middle(runs)


class _Loads:
    """Brings aggregates to life that are not alive."""

    def __init__(self, session: RedisSession, domain: Domain) -> None:
        self._session, self._domain = session, domain

    async def take(
        self, settings: Settings, aggregates: tuple[str, ...], count: int
    ) -> list[float]:
        """The median of each, in microseconds."""
        seconds: dict[str, list[float]] = {aggregate: [] for aggregate in aggregates}
        for _ in range(count):
            for aggregate, taken in seconds.items():
                actors = _actors(settings, self._session, self._domain, aggregate, "")
                began = time.perf_counter()
                await actors.load([aggregate])
                taken.append(time.perf_counter() - began)
        return [median(taken) * 1e6 for taken in seconds.values()]


async def _keep(settings: Settings, session: RedisSession, domain: Domain, customer: str) -> None:
    """Keep the state of an aggregate as it is now."""
    token, partition = "bench", partition_of(customer, session.partitions)
    lease = session.partition_lease(partition)
    if not await session.leases.acquire(lease, token, token, _LEASE_SECONDS):
        raise SemelError(f"{lease} is somebody else's, although the engine node has stopped")
    always = settings.model_copy(update={"snapshot_events": 1})
    actors = _actors(always, session, domain, customer, token)
    await actors.load([customer])
    await actors.settle()
    await session.leases.release(lease, token)


def _actors(
    settings: Settings, session: RedisSession, domain: Domain, customer: str, token: str
) -> Actors:
    """The actors of a customer's partition, none of which is alive yet."""
    partition = partition_of(customer, session.partitions)
    ledger = session.ledger(partition, token)
    timers = TimerBook(session.secret, domain, TimerLimits(timedelta(0), 0, 0, 0))
    return Actors.under(settings, session.partitions, ledger, domain, timers)


def _renamed(customer: str, numbers: range) -> Iterator[Wish]:
    """Commands for one customer, each of which has one event."""
    for number in numbers:
        verb = "RenameCustomer" if number else "RegisterCustomer"
        yield Wish(verb, customer, b'{"name":"name %d"}' % number)


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    low, high = said["growth_range"]
    lowest, highest = said["worst_growth_range"]
    yield (
        f"load        {said['long_us']:>9,.0f} us for {said['events']:,.0f} events, kept; "
        f"{said['short_us']:,.0f} us for 10: {said['growth']:.2f} x ({low:.2f} to {high:.2f})"
    )
    yield (
        f"            {said['worst_us']:>9,.0f} us with {said['above']:.0f} events above what is "
        f"kept: {said['worst_growth']:.2f} x ({lowest:.2f} to {highest:.2f})"
    )
    yield f"            {said['bare_us']:>9,.0f} us without a snapshot; medians of 5 runs"
