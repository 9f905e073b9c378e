"""All parts of ``semel bench``, one after the other, each on servers of its own."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.app import DEFAULT_PARTITIONS
from engine.core.registry import Domain
from engine.edge.bench.cold import load
from engine.edge.bench.handover import handover
from engine.edge.bench.latency import latency
from engine.edge.bench.live import live
from engine.edge.bench.memory import memory
from engine.edge.bench.plan import Part, Plan
from engine.edge.bench.takeover import takeover
from engine.edge.bench.throughput import RATES, throughput
from engine.edge.bench.timers import timers
from engine.edge.binary import Binary, find_binary, inspect
from engine.edge.server import embedded_server
from engine.settings import Settings


async def measure(
    plan: Plan, settings: Settings, domain: Domain, say: Callable[[str], None]
) -> dict[str, Any]:
    """The figures of every part that is wanted, by its name; ``say`` is told what is at hand."""
    figures: dict[str, Any] = {}
    binary = await (inspect(plan.server) if plan.server else find_binary())
    if plan.parts & {Part.RAW, *RATES}:
        figures |= await throughput(plan, settings, domain, binary, say)
    for part, saying in _SAYING.items():
        if part in plan.parts:
            say(saying.format(plan=plan, owners=plan.kills * 2))
            figures[part] = await _scene(part, plan, settings, domain, binary)
    return figures


_SAYING = {
    Part.LIVE: "{plan.rate} commands a second while a read model is built …",
    Part.LATENCY: "{plan.samples} commands, one at a time …",
    Part.LOAD: "loading what is cold …",
    Part.TAKEOVER: "killing {owners} owners …",
    Part.HANDOVER: "nodes join and leave …",
    Part.TIMERS: "{plan.timers} timers a second …",
    Part.MEMORY: "{plan.commands} ids are remembered …",
}
"""The parts that play a scene, once, and what they say of it."""


async def _scene(part: Part, plan: Plan, settings: Settings, domain: Domain, binary: Binary) -> Any:
    """One scene on a server of its own; with as many partitions as usual, but for takeovers."""
    async with embedded_server(binary=binary) as server:
        here, port = settings.model_copy(update={"redis": server.url}), server.port
        whole = here.model_copy(update={"partitions": DEFAULT_PARTITIONS})
        played: Awaitable[Any]
        match part:
            case Part.LIVE:
                played = live(whole, domain, port, plan.events, plan.rate, plan.seconds)
            case Part.LATENCY:
                played = latency(whole, domain, port, plan.samples)
            case Part.LOAD:
                played = load(here, domain, port)
            case Part.TAKEOVER:
                played = takeover(here, domain, port, plan.kills)
            case Part.TIMERS:
                played = timers(whole, plan.timers, plan.seconds)
            case Part.MEMORY:
                played = memory(here, domain, port, plan.commands)
            case _:
                played = handover(whole, domain)
        return await played
