"""How long one command takes on an idle system, beside an echo between two processes."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import anyio
import msgspec
from anyio.abc import Process

from engine import app
from engine.core.registry import Domain
from engine.edge.bench import echo, usage, wire, wording, workload
from engine.edge.bench.figures import Latency, ratio
from engine.edge.bench.nodes import running, share_evenly, told_by
from engine.edge.bench.parts.loaded import Loaded, lines, loaded
from engine.edge.client import Client
from engine.settings import Settings

_WARM = 300
"""Round trips and commands before any is counted: each partition has had some by then."""


class Idle(msgspec.Struct, frozen=True):
    """Round trips of an echo, and from one command's submit to its outcome and to a fresh view.

    ``cpu_us`` is what a command and a look at it cost each process, in microseconds of a core.
    """

    echo: Latency
    outcome: Latency
    view: Latency
    outcome_p50_to_echo: float
    outcome_p99_to_echo: float
    view_p99_to_echo_p50: float
    cpu_us: dict[str, float]
    loaded: Loaded


async def latency(settings: Settings, domain: Domain, port: int, samples: int) -> Idle:
    """Measure so many commands, one at a time, between two halves of as many echoes."""
    async with (
        app.namespace_session(settings, create=app.DEFAULT_PARTITIONS) as session,
        running(settings, "run") as engine,
        running(settings, "project") as worker,
        app.open_client(settings, domain) as client,
    ):
        partitions = range(session.partitions)
        for leases in (
            [session.partition_lease(number) for number in partitions],
            *(
                [session.projection_lease(name, 1, number) for number in partitions]
                for name in domain.projections
            ),
        ):
            await share_evenly(session, leases, 1)
        await _commands(client, domain, range(_WARM))
        round_trips = await echoes(port, samples // 2)
        began = _used(port, engine, worker)
        outcomes, views = await _commands(client, domain, range(_WARM, _WARM + samples))
        ended = _used(port, engine, worker)
        round_trips += await echoes(port, samples - samples // 2)
        at_load = await loaded(settings, _WARM + samples, samples)
    round_trip, outcome, view = Latency.of(round_trips), Latency.of(outcomes), Latency.of(views)
    return Idle(
        round_trip, outcome, view,
        outcome_p50_to_echo=ratio(outcome.p50, round_trip.p50),
        outcome_p99_to_echo=ratio(outcome.p99, round_trip.p99),
        view_p99_to_echo_p50=ratio(view.p99, round_trip.p50),
        cpu_us={who: (ended[who] - began[who]) / samples * 1e6 for who in began},
        loaded=at_load,
    )  # fmt: skip


def _used(port: int, engine: Process, worker: Process) -> dict[str, float]:
    """The CPU seconds of all who have to do with a command so far."""
    return {
        "client": time.process_time(), "engine": usage.cpu_seconds(engine.pid),
        "worker": usage.cpu_seconds(worker.pid), "server": wire.server_cpu(port),
    }  # fmt: skip


async def echoes(port: int, count: int) -> list[float]:
    """Round trips with another process, without the first ones."""
    count += _WARM
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(told_by, echo.MODULE, f"{port} {count}")
        seconds = await anyio.to_thread.run_sync(partial(echo.round_trips, port, count))
    return seconds[_WARM:]


async def _commands(
    client: Client, domain: Domain, numbers: range
) -> tuple[list[float], list[float]]:
    """Submit new orders and look at each; the seconds to every outcome, and to every view."""
    outcomes, views = [], []
    query: Any = domain.queries["GetOrderById"].query
    for wish in workload.created(numbers):
        began = time.perf_counter()
        outcome = await client.commands.submit(wish.type, wish.order, wish.data)
        outcomes.append(time.perf_counter() - began)
        outcome.raise_unless_accepted()
        await client.queries.dispatch(query(order_id=wish.order), after=outcome)
        views.append(time.perf_counter() - began)
    return outcomes, views


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    for name in ("echo", "outcome", "view"):
        yield f"latency     {wording.times(name, said[name])}"
    yield (
        f"            outcome: p50 {said['outcome_p50_to_echo']:.2f} x echo's, p99 "
        f"{said['outcome_p99_to_echo']:.2f} x; view: p99 {said['view_p99_to_echo_p50']:.1f} x "
        f"echo's p50"
    )
    costs = ", ".join(f"{who} {cost:.0f}" for who, cost in said["cpu_us"].items())
    yield f"            us of a core for a command and its view: {costs}"
    yield from lines(said["loaded"])
