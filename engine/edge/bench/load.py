"""The client of `live`: commands at a steady rate, come what may, while a rebuild runs.

Run as a process of its own, with a `Plan` as JSON; it prints what it saw, as JSON too. Every
command has a time at which it is due, and its latency is counted from then, however late it
was sent: a system that stands still for a second is charged for all that was due in it.

One in five waits for its outcome, as clients do, and is timed. The others are added alone: whoever
waits for those is on another machine, and would take a quarter of the cores here. In the end each
of them must have had its event too.
"""

import sys
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import anyio
import msgspec
from anyio.abc import TaskGroup

from engine import app, settings
from engine.app import RedisSession
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import workload
from engine.edge.bench.figures import Latency
from engine.edge.bench.parts import rebuild
from engine.edge.bench.parts.submit import add
from engine.edge.bench.workload import EVENTS_PER_ORDER, Wish
from engine.edge.client import Client

MODULE = "engine.edge.bench.load"

WARM, BEFORE, DURING, AFTER = "warm", "before", "during", "after"
"""The phases of a run; a command belongs to the one in which it was due."""

WAIT_EVERY, VIEW_EVERY = 5, 10
"""So often somebody waits for an outcome, and then asks a view for its effect."""

_BACKLOG_SECONDS = 10.0
"""Commands unanswered for so long, on average: the rate is more than this machine can do."""

_WAIT_SECONDS = 30.0
"""A client that gives up sooner would hide how long it takes."""

_LOOK_SECONDS = 0.1

_ENDLESS = 10**12

_EXPECTED = {
    "CreateOrder": ("created", 2),
    "AddOrderItem": ("created", 3),
    "ShipOrder": ("shipped", 3),
}
"""What a view shows at the least, once each command has had its effect: status and items."""


class Plan(msgspec.Struct, frozen=True):
    """What to do: commands a second, the first new order, seconds before and after the rebuild.

    A build that has not gone live after ``limit`` seconds is not waited for any longer.
    """

    redis: str
    namespace: str
    rate: int
    seconds: float
    limit: float
    first: int
    max_load: float


class Phase(msgspec.Struct, frozen=True):
    """What clients saw in one phase: from the time a command was due to its outcome, its view."""

    seconds: float
    outcome: Latency
    view: Latency


class Seen(msgspec.Struct, frozen=True):
    """What came of it; ``errors`` by their names, ``client_share`` is of one core."""

    commands: int
    flipped: bool
    phases: dict[str, Phase]
    errors: dict[str, int]
    client_share: float
    late: Latency


class _Load:
    """Commands on their way, each at its time, and how long they took by phase."""

    def __init__(self, plan: Plan, session: RedisSession, client: Client, domain: Domain) -> None:
        self._plan, self._session, self._client = plan, session, client
        self._query: Any = domain.queries["GetOrderById"].query
        self._under_way = 0
        self._began: dict[str, float] = {}
        self._ended = False
        self._outcomes: dict[str, list[float]] = {}
        self._views: dict[str, list[float]] = {}
        self._late: list[float] = []
        self.errors: Counter[str] = Counter()
        self.commands = 0

    def enter(self, phase: str) -> None:
        """What is due from now on belongs to another phase."""
        self._began[phase] = time.monotonic()
        self._outcomes[phase], self._views[phase] = [], []
        self._phase = phase

    def end(self) -> None:
        """Send no more."""
        self.enter("end")
        self._ended = True

    async def keep(self, tasks: TaskGroup) -> None:
        """Send each command when it is due, whatever became of those before."""
        # Open for a second: the mix of commands is soon what it will be.
        numbers = range(self._plan.first, self._plan.first + _ENDLESS)
        wishes = workload.history(numbers, self._plan.rate)
        began, rate = time.monotonic(), self._plan.rate
        for number, wish in enumerate(wishes):
            due = began + number / rate
            late = time.monotonic() - due
            if late < 0:
                await anyio.sleep(-late)
            if self._ended:
                return
            if self._under_way > rate / WAIT_EVERY * _BACKLOG_SECONDS:
                raise SemelError(
                    f"{self._under_way} commands are unanswered: {rate} a second are more "
                    f"than this machine can do"
                )
            self._late.append(time.monotonic() - due)
            self.commands += 1
            if number % WAIT_EVERY:
                self._add(wish)
            else:
                tasks.start_soon(self._one, wish, due, self._phase, number % VIEW_EVERY == 0)

    def _add(self, wish: Wish) -> None:
        """Send a command that nobody waits for."""
        self._under_way += 1
        add(self._session, wish, self._added)

    def _added(self, told: str | SemelError) -> None:
        self._under_way -= 1
        if isinstance(told, SemelError):
            self.errors[type(told).__name__] += 1

    async def _one(self, wish: Wish, due: float, phase: str, is_viewed: bool) -> None:  # noqa: FBT001
        self._under_way += 1
        try:
            outcome = await self._client.commands.submit(
                wish.type, wish.order, wish.data, wait_seconds=_WAIT_SECONDS
            )
            self._outcomes[phase].append(time.monotonic() - due)
            outcome.raise_unless_accepted()
            if is_viewed:
                view = await self._client.queries.dispatch(
                    self._query(order_id=wish.order), after=outcome, wait_seconds=_WAIT_SECONDS
                )
                self._views[phase].append(time.monotonic() - due)
                status, items = _EXPECTED[wish.type]
                if view.item_count < items or (status == "shipped" and view.status != status):
                    self.errors["StaleView"] += 1
        except SemelError as error:
            self.errors[type(error).__name__] += 1
        finally:
            self._under_way -= 1

    async def settle(self, events_before: int) -> None:
        """Wait until each command has had its event: any more that has none is an error."""
        count, partitions = self._session.inspection.event_count, self._session.partitions
        wanted = events_before + self.commands - self.errors.total()
        with anyio.move_on_after(_WAIT_SECONDS):
            while await count(partitions) < wanted:  # noqa: ASYNC110 - other processes' work
                await anyio.sleep(_LOOK_SECONDS)
        if (missing := wanted - await count(partitions)) > 0:
            self.errors["NoEvent"] += missing

    def phases(self) -> dict[str, Phase]:
        """What was seen, without the warming up."""
        names = list(self._began)
        return {
            name: Phase(
                self._began[after] - self._began[name],
                Latency.of(self._outcomes[name]), Latency.of(self._views[name]),
            )
            for name, after in pairwise(names[1:])
        }  # fmt: skip

    @property
    def late(self) -> Latency:
        """How late commands were sent: what of the latencies is the client's own doing."""
        return Latency.of(self._late)


async def _run(plan: Plan) -> Seen:
    here = settings.load(redis=plan.redis, namespace=plan.namespace)
    domain = app.domain_of(here)
    async with app.namespace_session(here) as session, app.open_client(here, domain) as client:
        load = _Load(plan, session, client, domain)
        events = await session.inspection.event_count(session.partitions)
        async with anyio.create_task_group() as tasks:
            load.enter(WARM)
            tasks.start_soon(load.keep, tasks)
            # Until each order in the mix has gone all its way, in as many steps.
            await anyio.sleep(EVENTS_PER_ORDER * 2)
            used, began = time.process_time(), time.monotonic()
            load.enter(BEFORE)
            await anyio.sleep(plan.seconds)
            load.enter(DURING)
            begun = await rebuild.begin(session, domain, plan.max_load)
            with anyio.move_on_after(plan.limit) as waiting:
                await rebuild.until_flipped(session, begun)
            load.enter(AFTER)
            await anyio.sleep(plan.seconds)
            load.end()
            share = (time.process_time() - used) / (time.monotonic() - began)
        await load.settle(events)
    flipped = not waiting.cancelled_caught
    return Seen(load.commands, flipped, load.phases(), dict(load.errors), share, load.late)


async def _main() -> None:
    seen = await _run(msgspec.json.decode(sys.argv[1], type=Plan))
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    app.run_process(_main)
