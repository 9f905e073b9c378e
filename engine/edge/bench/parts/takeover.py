"""How long nobody answers when an owner is killed: from SIGKILL to its successor's outcome.

Two engine nodes, as processes, share the partitions; every partition's window of remembered
ids is full. The owner of one aggregate is killed, a command for it is submitted at once, and
the clock runs until its outcome. Ids that carry a time can be answered before the window is
loaded; others are held back until their partition's window is.
"""

import signal
import time
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

import anyio
import msgspec
from anyio.abc import Process

from engine import app
from engine.core.registry import Domain
from engine.core.routing import partition_of
from engine.edge.bench.nodes import engine_node, pid_of, share_evenly
from engine.edge.bench.parts.drain import drain
from engine.edge.client import Client
from engine.settings import Settings

_PROBE = "customer-takeover"
"""The aggregate whose owner is killed."""


class Takeover(msgspec.Struct, frozen=True):
    """Seconds without an answer, over some kills; and how many ids each window held."""

    kills: int
    remembered: int
    seconds: float
    worst: float
    untimed_seconds: float
    untimed_worst: float


async def takeover(settings: Settings, domain: Domain, port: int, kills: int) -> Takeover:
    """Kill the owner so often with each kind of id; the medians count."""
    remembered = settings.outcomes_keep_count
    await drain(settings, domain, port, remembered * (settings.partitions or 1))
    timed: list[float] = []
    untimed: list[float] = []
    async with anyio.create_task_group() as tasks, app.open_client(settings, domain) as client:
        nodes = [await tasks.start(engine_node, settings) for _ in range(2)]
        for number in range(kills * 2):
            victim = await _owner(settings, nodes)
            id = f"takeover-{number}-{time.time_ns()}" if number % 2 else None
            (untimed if id else timed).append(await _gap(client, victim, number, id))
            nodes.remove(victim)
            nodes.append(await tasks.start(engine_node, settings))
        tasks.cancel_scope.cancel()
    return Takeover(kills, remembered, median(timed), max(timed), median(untimed), max(untimed))


async def _gap(client: Client, victim: Process, number: int, id: str | None) -> float:
    """Seconds from the kill until a command is answered that was submitted at once."""
    verb = "RenameCustomer" if number else "RegisterCustomer"
    victim.send_signal(signal.SIGKILL)
    began = time.perf_counter()
    data = msgspec.json.encode({"name": f"name {number}"})
    outcome = await client.commands.submit(verb, _PROBE, data, id=id, wait_seconds=30)
    gap = time.perf_counter() - began
    outcome.raise_unless_accepted()
    return gap


async def _owner(settings: Settings, nodes: list[Process]) -> Process:
    """Which of the nodes owns the probe, once they share all partitions evenly."""
    async with app.namespace_session(settings) as session:
        keys = [session.partition_lease(number) for number in range(session.partitions)]
        home = session.partition_lease(partition_of(_PROBE, session.partitions))
        leases = await share_evenly(session, keys, len(nodes))
    pid = pid_of(leases[home].node)
    return next(node for node in nodes if node.pid == pid)


def tell(gap: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    yield (
        f"takeover    {gap['seconds']:.2f} s without an answer (worst {gap['worst']:.2f} s), "
        f"median of {gap['kills']}, {gap['remembered']:,} ids remembered per partition"
    )
    yield (
        f"            {gap['untimed_seconds']:.2f} s (worst {gap['untimed_worst']:.2f} s) for "
        f"ids without a time, which wait for their partition's window"
    )
