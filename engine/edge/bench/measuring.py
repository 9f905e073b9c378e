"""The parts of ``semel bench``, one after the other, each on servers of its own.

Other tenants of a shared machine come and go: the two raws on both sides of a rate tell what
the server could do while it ran.
"""

from collections.abc import Callable
from statistics import mean
from typing import Any, NamedTuple

from engine.core.registry import Domain
from engine.edge.bench.figures import Rated, facts, middle
from engine.edge.bench.parts import PARTS, Measure, Rate, Scene
from engine.edge.bench.parts.raw import Raw, raw
from engine.edge.bench.plan import Part, Plan
from engine.edge.bench.stage import UNDISTURBED, Stage
from engine.edge.binary import Binary, find_binary, inspect
from engine.edge.server import embedded_server
from engine.settings import Settings


async def measure(
    plan: Plan, settings: Settings, domain: Domain, say: Callable[[str], None]
) -> dict[str, Any]:
    """The figures of every part that is wanted, by its name; ``say`` is told what is at hand."""
    binary = await (inspect(plan.server) if plan.server else find_binary())
    measuring = _Measuring(plan, settings, domain, binary)
    rates = {n: p for n, p in PARTS.items() if isinstance(p, Rate) and n in plan.parts}
    figures: dict[str, Any] = {"machine": {**facts(), "server": str(binary), "runs": plan.runs}}
    if rates or Part.RAW in plan.parts:
        figures.update(await measuring.rates(rates, say))
    for name, part in PARTS.items():
        if isinstance(part, Scene) and name in plan.parts:
            say(part.saying.format(plan=plan))
            figures[name] = await measuring.scene(part)
    return figures


class _Measuring(NamedTuple):
    plan: Plan
    settings: Settings
    domain: Domain
    binary: Binary

    async def rates(self, wanted: dict[Part, Rate], say: Callable[[str], None]) -> dict[str, Any]:
        """The medians of some runs, by part; ``raw`` is always there."""
        raws: list[Raw] = []
        rates: dict[Part, list[Rated]] = {name: [] for name in wanted}
        for run in range(self.plan.runs):
            say(f"run {run + 1} of {self.plan.runs} …")
            raws.append(await self._alone(_raw))
            for name, part in wanted.items():
                rate: Rated = await self._alone(part.measure)
                raws.append(await self._alone(_raw))
                beside = mean(each.per_second for each in raws[-2:])
                rates[name].append(rate.beside(beside))
        valid = all(each.valid for each in raws)
        medians: dict[str, Any] = {name: middle(each) for name, each in rates.items()}
        for name, part in wanted.items():
            medians[name] |= part.also(medians[name])
        return {"raw": middle(raws) | {"valid": valid}, **medians}

    async def scene(self, part: Scene) -> Any:
        """One scene, as often as it asks for."""
        if not part.is_repeated:
            return await self._alone(part.measure)
        return middle([await self._alone(part.measure) for _ in range(self.plan.runs)])

    async def _alone(self, part: Measure) -> Any:
        """One run, on an empty server of its own."""
        async with embedded_server(binary=self.binary, options=UNDISTURBED) as server:
            here = self.settings.model_copy(update={"redis": server.url})
            return await part(
                Stage(self.plan, here, self.domain, server.port, server.pid, self.binary)
            )


async def _raw(stage: Stage) -> Raw:
    return raw(stage.port, stage.plan.commands * 2)
