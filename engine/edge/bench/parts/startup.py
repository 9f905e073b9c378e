"""How long it takes from the start of an engine process to its first outcome, with much stored."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import msgspec

from engine import app
from engine.edge.bench import workload
from engine.edge.bench.nodes import engine_node
from engine.edge.bench.prepared import write_history
from engine.edge.bench.stage import Stage

_PATIENCE_SECONDS = 60.0
"""An engine that has answered nothing by then never will."""


class Startup(msgspec.Struct, frozen=True):
    """Seconds from the start of a process to its first outcome, with so many aggregates stored."""

    aggregates: int
    seconds_to_first: float


async def startup(stage: Stage) -> Startup:
    """Fill a namespace, and start an engine on it for which a command waits."""
    count, settings = stage.plan.commands, stage.whole
    async with app.namespace_session(settings, create=app.DEFAULT_PARTITIONS) as session:
        await write_history(settings, session, stage.port, workload.created(range(count)))
    [wish] = workload.created(range(count, count + 1))
    async with (
        app.open_client(settings, stage.domain) as client,
        anyio.create_task_group() as tasks,
    ):
        began = time.perf_counter()
        tasks.start_soon(tasks.start, engine_node, settings)
        outcome = await client.commands.submit(
            wish.type, wish.order, wish.data, wait_seconds=_PATIENCE_SECONDS
        )
        taken = time.perf_counter() - began
        outcome.raise_unless_accepted()
        tasks.cancel_scope.cancel()
    return Startup(count, taken)


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    low, high = said["seconds_to_first_range"]
    first, stored = said["seconds_to_first"], said["aggregates"]
    yield f"startup     {first:.2f} s ({low:.2f} to {high:.2f}) from a start to the first outcome,"
    yield f"            {stored:,.0f} aggregates stored"
