"""The parts that are rates: each several times on an empty server, with a raw before and after.

Other tenants of a shared machine come and go: the two raws on both sides of a part tell what
the server could do while it ran.
"""

from collections.abc import Callable
from functools import partial
from statistics import mean
from typing import Any

from msgspec import structs

from engine.app import DEFAULT_PARTITIONS
from engine.core.registry import Domain
from engine.edge.bench.drain import drain
from engine.edge.bench.figures import extrapolated, facts, middle
from engine.edge.bench.fulfilment import fulfilment
from engine.edge.bench.plan import Part, Plan
from engine.edge.bench.projection import projection
from engine.edge.bench.raw import Raw, raw
from engine.edge.bench.rebuild import rebuild
from engine.edge.binary import Binary
from engine.edge.server import embedded_server
from engine.settings import Settings

RATES = (Part.ENGINE, Part.PROJECTION, Part.REBUILD, Part.FULFILMENT)
"""What stands beside raw, in the order in which it is measured."""


async def throughput(
    plan: Plan, settings: Settings, domain: Domain, binary: Binary, say: Callable[[str], None]
) -> dict[str, Any]:
    """The medians of some runs, by part; ``raw`` and what was measured on are always there."""
    wanted = [part for part in RATES if part in plan.parts]
    raws: list[Raw] = []
    alone = partial(_alone, plan, settings, domain, binary)
    rates: dict[Part, list[Any]] = {part: [] for part in wanted}
    for run in range(plan.runs):
        say(f"run {run + 1} of {plan.runs} …")
        raws.append(await alone(Part.RAW))
        for part in wanted:
            rate = await alone(part)
            raws.append(await alone(Part.RAW))
            beside = rate.per_second / mean(each.per_second for each in raws[-2:])
            rates[part].append(structs.replace(rate, ratio_to_raw=beside))
    said: dict[str, Any] = {
        "machine": {**facts(), "server": str(binary), "runs": plan.runs},
        "raw": middle(raws) | {"valid": all(each.valid for each in raws)},
    }
    for part, each in rates.items():
        said[part] = middle(each)
    if Part.PROJECTION in rates:
        one = said[Part.PROJECTION]
        one["workers"] = extrapolated(one["per_second"], one["server_us"])
    return said


async def _alone(plan: Plan, settings: Settings, domain: Domain, binary: Binary, part: Part) -> Any:
    """One run of one part, on an empty server of its own."""
    async with embedded_server(binary=binary) as server:
        here, port = settings.model_copy(update={"redis": server.url}), server.port
        whole = here.model_copy(update={"partitions": DEFAULT_PARTITIONS})
        match part:
            case Part.ENGINE:
                return await drain(here, domain, port, plan.commands)
            case Part.PROJECTION:
                return await projection(whole, port, plan.events)
            case Part.REBUILD:
                return await rebuild(whole, domain, port, plan.events)
            case Part.FULFILMENT:
                return await fulfilment(whole, domain, port, plan.orders)
        return raw(port, plan.commands * 2)
