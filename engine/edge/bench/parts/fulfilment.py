"""What a process manager reaches: orders of three lines, each fulfilled by ten commands or more.

The shop with fulfilment on, one engine node and one worker for all its routers and read models,
each a process of its own; what is stocked stands before the clock runs. It runs from the first
`CreateOrder` that is sent to the last event that follows. Afterwards some orders are shipped, and
the books are held against what was stocked and ordered, and the `stock` view against the books.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import anyio
from anyio.abc import Process

from engine import app
from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import shelves, usage, wire, workload
from engine.edge.bench.figures import Rated
from engine.edge.bench.nodes import running, share_evenly
from engine.edge.bench.quiet import caught_up, settled
from engine.edge.bench.shelves import CANCELLED, CONFIRMED, Books
from engine.edge.bench.workload import SOCKETS, Wish
from engine.settings import Settings

ROUTER = "fulfilment"

_CONFIRM_SECONDS = 86_400
"""All orders come at once, so the last are confirmed as late as all take."""

_PAGE = 1000
_FAULTS_SHOWN = 5


class Fulfilled(Rated, frozen=True, kw_only=True):
    """What became of orders, and what one that was confirmed or cancelled cost.

    ``refused`` ones were told at once that too little is left. ``per_second`` counts commands, as
    ``raw`` does; each of the processes is said with what it takes for a fulfilment.
    """

    orders: int
    confirmed: int
    cancelled: int
    refused: int
    commands: int
    seconds: float
    fulfilments_per_second: float
    engine_us: float
    worker_us: float
    server_us: float
    engine_share: float
    worker_share: float
    server_share: float


class _Look(NamedTuple):
    at: float
    commands: int
    engine: float
    worker: float
    server: float


async def fulfilment(settings: Settings, domain: Domain, port: int, count: int) -> Fulfilled:
    """Have so many orders fulfilled; raises `SemelError` where the books do not add up."""
    services = {"fulfilment": {"enabled": True, "confirm_seconds": _CONFIRM_SECONDS}}
    here, orders = settings.model_copy(update={"services": services}), range(count)
    async with (
        app.namespace_session(here, create=app.DEFAULT_PARTITIONS) as session,
        running(here, "run") as engine,
        running(here, "project") as worker,
    ):
        shop = _Shop(session, port, engine, worker)
        await shop.is_open()
        await shop.have(shelves.stocking(orders))
        await caught_up(session, list(domain.projections))
        began, ended = await shop.have(shelves.ordering(orders))
        books = await _books(session)
        await shop.have(shelves.shipping(orders))
        await caught_up(session, list(domain.projections))
        final = await _books(session)
        faults = [*final.judge(orders), *await _misshown(here, domain, final)]
    if faults:
        raise SemelError(f"{len(faults)} faults: {'; '.join(faults[:_FAULTS_SHOWN])}")
    if not books.count(CANCELLED):
        raise SemelError("no order was cancelled: that reservations are released was not tried")
    return _fulfilled(count, books, began, ended)


class _Shop:
    """A shop that is being measured."""

    def __init__(self, session: RedisSession, port: int, engine: Process, worker: Process) -> None:
        self._session, self._port, self._engine, self._worker = session, port, engine, worker

    async def is_open(self) -> None:
        """Wait until commands and events are taken in every partition."""
        session, every = self._session, range(self._session.partitions)
        await share_evenly(session, [session.partition_lease(n) for n in every], 1)
        await share_evenly(session, [session.reaction_lease(ROUTER, n) for n in every], 1)

    async def have(self, wishes: Iterable[Wish]) -> tuple[_Look, _Look]:
        """Have commands handled, and all that follows; how it stood before and afterwards."""
        session = self._session
        keys = [session.commands_key(number) for number in range(session.partitions)]
        packets = list(workload.packets(keys, wishes, time.time_ns() // 1_000_000))
        began = await self._look(time.perf_counter())
        await anyio.to_thread.run_sync(partial(wire.send, self._port, packets, SOCKETS))
        return began, await self._look(await settled(session, ROUTER))

    async def _look(self, at: float) -> _Look:
        commands = await self._session.inspection.command_count(self._session.partitions)
        engine, worker = (usage.cpu_seconds(each.pid) for each in (self._engine, self._worker))
        return _Look(at, commands, engine, worker, wire.server_cpu(self._port))


def _fulfilled(count: int, books: Books, began: _Look, ended: _Look) -> Fulfilled:
    confirmed, cancelled = books.count(CONFIRMED), books.count(CANCELLED)
    fulfilled, seconds = confirmed + cancelled, ended.at - began.at
    commands, used = ended.commands - began.commands, _used(began, ended)
    each = {f"{who}_us": spent / fulfilled * 1e6 for who, spent in used.items()}
    shares = {f"{who}_share": spent / seconds for who, spent in used.items()}
    return Fulfilled(
        orders=count, confirmed=confirmed, cancelled=cancelled, refused=count - fulfilled,
        commands=commands, seconds=seconds, per_second=commands / seconds,
        fulfilments_per_second=fulfilled / seconds, **each, **shares,
    )  # fmt: skip


def _used(began: _Look, ended: _Look) -> dict[str, float]:
    return {
        "engine": ended.engine - began.engine,
        "worker": ended.worker - began.worker,
        "server": ended.server - began.server,
    }


async def _books(session: RedisSession) -> Books:
    """What became of it all, by every event there is."""
    books = Books()
    for partition in range(session.partitions):
        position = 0
        while page := await session.inspection.log(partition, position, _PAGE):
            for event in page:
                books.take(event)
            position = page[-1].position
    return books


async def _misshown(settings: Settings, domain: Domain, books: Books) -> list[str]:
    """Products that the view shows otherwise than the books."""
    faults, query = [], cast("Any", domain.queries["GetStock"].query)
    async with app.open_client(settings, domain) as client:
        for product in books.stocked:
            shown: Any = await client.queries.dispatch(query(product_id=product))
            said = shown.stocked, shown.shipped, shown.reserved, shown.left
            if said != books.sums(product) or shown.total != shown.stocked - shown.shipped:
                faults.append(f"of {product} is shown {shown}, not {books.sums(product)}")
    return faults


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    low, high = said["fulfilments_per_second_range"]
    lowest, highest = said["ratio_to_raw_range"]
    yield (
        f"fulfilment  {said['fulfilments_per_second']:>9,.0f} fulfilments/s ({low:,.0f} to "
        f"{high:,.0f}); {said['orders']:,} orders in {said['seconds']:.1f} s"
    )
    yield (
        f"            {said['confirmed']:,} confirmed, {said['cancelled']:,} cancelled, "
        f"{said['refused']:,} refused at once; all products' sums are right"
    )
    for each in ("engine", "worker", "server"):
        cost, share = said[f"{each}_us"], said[f"{each}_share"]
        yield f"            {each}: {cost:,.0f} us for a fulfilment, busy {share:.0%} of the time"
    yield (
        f"            {said['per_second']:,.0f} commands/s: {said['ratio_to_raw']:.3f} x raw "
        f"({lowest:.3f} to {highest:.3f})"
    )
