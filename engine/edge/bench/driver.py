"""One Python client process: so many commands in flight, or so many a second, come what may.

Run as a process of its own, with a `Drive` as JSON; it prints what it saw, as JSON too. In an
open loop (``rate``) every command has a time at which it is due, and its latency is counted from
then, however late it was sent: so waiting is counted, the client's own too.
"""

import sys
import time
from collections.abc import Iterator

import anyio
import msgspec
from anyio.abc import TaskGroup

from engine import app, settings
from engine.edge.bench import workload
from engine.edge.bench.figures import Latency
from engine.edge.bench.nodes import told_by
from engine.edge.bench.workload import Wish
from engine.edge.client import Client
from engine.settings import Settings

MODULE = "engine.edge.bench.driver"

_WARM_SHARE = 0.1
"""Of the commands before any is counted: each partition has had some by then."""

_WAIT_SECONDS = 30.0
"""A client that gives up sooner would hide how long it takes."""


class Drive(msgspec.Struct, frozen=True):
    """How many commands, from which new order on; ``in_flight`` at once, or ``rate`` a second."""

    redis: str
    namespace: str
    first: int
    count: int
    in_flight: int = 0
    rate: float = 0.0


class Driven(msgspec.Struct, frozen=True):
    """What the client saw: how fast, how long each took, how late it sent, how busy it was."""

    per_second: float
    latency: Latency
    late: Latency
    client_share: float
    client_us: float


async def drive(
    settings: Settings, first: int, count: int, *, in_flight: int = 0, rate: float = 0.0
) -> Driven:
    """Have a process of its own submit so many, all of which must be accepted."""
    plan = Drive(settings.redis, settings.namespace, first, count, in_flight, rate)
    told = await told_by(MODULE, msgspec.json.encode(plan).decode())
    return msgspec.json.decode(told, type=Driven)


class _Driver:
    def __init__(self, client: Client) -> None:
        self._client = client
        self.taken: list[float] = []
        self.late: list[float] = []

    async def closed(self, wishes: Iterator[Wish], in_flight: int) -> None:
        """As soon as one is answered, the next is sent."""
        async with anyio.create_task_group() as tasks:
            for _ in range(in_flight):
                tasks.start_soon(self._series, wishes)

    async def open(self, wishes: Iterator[Wish], rate: float) -> None:
        """Send each when it is due, whatever became of those before."""
        began = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for number, wish in enumerate(wishes):
                await self._when_due(tasks, wish, began + number / rate)

    async def _when_due(self, tasks: TaskGroup, wish: Wish, due: float) -> None:
        if (early := due - time.perf_counter()) > 0:
            await anyio.sleep(early)
        self.late.append(time.perf_counter() - due)
        tasks.start_soon(self._one, wish, due)

    async def _series(self, wishes: Iterator[Wish]) -> None:
        for wish in wishes:
            await self._one(wish, time.perf_counter())

    async def _one(self, wish: Wish, due: float) -> None:
        outcome = await self._client.commands.submit(
            wish.type, wish.order, wish.data, wait_seconds=_WAIT_SECONDS
        )
        self.taken.append(time.perf_counter() - due)
        outcome.raise_unless_accepted()


async def _run(plan: Drive) -> Driven:
    here = settings.load(redis=plan.redis, namespace=plan.namespace)
    async with app.open_client(here, app.domain_of(here)) as client:
        first = plan.first + int(plan.count * _WARM_SHARE)
        await _submit(plan, _Driver(client), range(plan.first, first))
        driver = _Driver(client)
        used, began = time.process_time(), time.perf_counter()
        await _submit(plan, driver, range(first, first + plan.count))
        seconds, used = time.perf_counter() - began, time.process_time() - used
    return Driven(
        plan.count / seconds, Latency.of(driver.taken), Latency.of(driver.late),
        used / seconds, used / plan.count * 1e6,
    )  # fmt: skip


async def _submit(plan: Drive, driver: _Driver, numbers: range) -> None:
    """Submit these orders in the way that is wanted."""
    wishes = workload.created(numbers)
    if plan.rate:
        await driver.open(wishes, plan.rate)
    else:
        await driver.closed(wishes, plan.in_flight)


async def _main() -> None:
    driven = await _run(msgspec.json.decode(sys.argv[1], type=Drive))
    sys.stdout.buffer.write(msgspec.json.encode(driven))


if __name__ == "__main__":
    app.run_process(_main)
