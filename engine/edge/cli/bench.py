"""``semel bench``: what this machine's Redis can do, and how close the engine comes."""

from collections.abc import Iterator
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import structs

from engine.core.errors import Misuse
from engine.edge.cli.options import ConfigFile, Format, Output, settings_of
from engine.edge.cli.output import say, show

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.settings import Settings


class Part(StrEnum):
    """What can be measured."""

    RAW = "raw"
    ENGINE = "engine"
    TAKEOVER = "takeover"
    HANDOVER = "handover"


NAMESPACE = "bench"


def bench(  # noqa: PLR0913 -- an option each
    parts: Annotated[
        list[Part] | None, typer.Argument(help="What to measure; all unless named.")
    ] = None,
    commands: Annotated[
        int, typer.Option("--commands", min=1000, help="Commands to drain.")
    ] = 100_000,
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Runs of each part; their median counts.")
    ] = 3,
    kills: Annotated[
        int, typer.Option("--kills", min=1, help="Owners to kill; the median counts.")
    ] = 20,
    config: ConfigFile = None,
    output: Output = Format.TEXT,
) -> int:
    """Measure this machine, on an embedded server with an append-only file (everysec).

    `raw` is XADD of the workload's own entries, nothing else; `engine` drains prepared
    CreateOrder commands, over as many aggregates, through the whole protocol. Both in one
    run: only the ratio says something about semel. The two need a core each. `takeover`
    kills owners, and says for how long nobody answers; `handover` lets nodes join and leave
    under load, and says what moved and for how long a command waited.

    Example: semel bench engine --commands 100000 --runs 3
    """
    from engine import app  # noqa: PLC0415 -- what --help can do without

    settings = settings_of(None, config, NAMESPACE, partitions=16, log_level="error")
    domain = app.domain_of(settings)
    if "CreateOrder" not in domain.commands:
        raise Misuse("the workload is the order shop's: run this where its handlers are")
    measuring = _Measuring(settings, domain, set(parts or Part), commands, runs, kills)
    app.run_process(measuring.run)
    show(output, measuring.figures, list(_lines(measuring.figures)))
    return 0


class _Measuring:
    """Some runs of the wanted parts, and the figures that come of them."""

    def __init__(  # noqa: PLR0913 -- what was asked for
        self,
        settings: "Settings",
        domain: "Domain",
        wanted: set[Part],
        commands: int,
        runs: int,
        kills: int,
    ) -> None:
        self._settings, self._domain, self._wanted = settings, domain, wanted
        self._commands, self._runs, self._kills = commands, runs, kills
        self.figures: dict[str, Any] = {}

    async def run(self) -> None:
        """Run what is wanted."""
        if self._wanted & {Part.RAW, Part.ENGINE}:
            await self._throughput()
        if Part.TAKEOVER in self._wanted:
            await self._takeover()
        if Part.HANDOVER in self._wanted:
            await self._handover()

    async def _handover(self) -> None:
        """Let nodes join and leave, with as many partitions as a namespace has by default."""
        from engine.app import DEFAULT_PARTITIONS  # noqa: PLC0415
        from engine.edge.bench.handover import handover  # noqa: PLC0415
        from engine.edge.server import embedded_server  # noqa: PLC0415

        say("nodes join and leave …")
        async with embedded_server() as server:
            changes = {"redis": server.url, "partitions": DEFAULT_PARTITIONS}
            steps = await handover(self._settings.model_copy(update=changes), self._domain)
        self.figures["handover"] = [structs.asdict(step) for step in steps]

    async def _takeover(self) -> None:
        """Kill owners, on a server whose windows of remembered ids are full."""
        from engine.edge.bench.takeover import takeover  # noqa: PLC0415
        from engine.edge.server import embedded_server  # noqa: PLC0415

        say(f"killing {self._kills * 2} owners …")
        async with embedded_server() as server:
            here = self._settings.model_copy(update={"redis": server.url})
            measured = await takeover(here, self._domain, server.port, self._kills)
        self.figures["takeover"] = structs.asdict(measured)

    async def _throughput(self) -> None:
        """Run each part several times, each on an empty server; raw before and after engine.

        Other tenants of a shared machine come and go: the two raws on both sides of a drain
        tell what the server could do while it ran.
        """
        from engine.edge.bench import parts  # noqa: PLC0415
        from engine.edge.server import embedded_server  # noqa: PLC0415

        raws, drains, kind = [], [], ""
        for run in range(self._runs):
            say(f"run {run + 1} of {self._runs} …")
            async with embedded_server() as server:
                kind = server.kind
                raws.append(parts.raw(server.port, self._commands * 2))
            if Part.ENGINE in self._wanted:
                async with embedded_server() as server:
                    here = self._settings.model_copy(update={"redis": server.url})
                    drain = await parts.drain(here, self._domain, server.port, self._commands)
                async with embedded_server() as server:
                    raws.append(parts.raw(server.port, self._commands * 2))
                drains.append(parts.beside(drain, raws[-2:]))
        self.figures["machine"] = {**parts.facts(), "server": kind, "runs": self._runs}
        self.figures["raw"] = _middle(raws) | {"valid": all(raw.valid for raw in raws)}
        if drains:
            self.figures["engine"] = _middle(drains)


def _middle(runs: list[Any]) -> dict[str, Any]:
    """The median of each figure, and of rate and ratio also the least and the most."""
    fields = runs[0].__struct_fields__
    said: dict[str, Any] = {name: median(getattr(run, name) for run in runs) for name in fields}
    for name in ("per_second", "ratio_to_raw"):
        if name in said:
            values = [getattr(run, name) for run in runs]
            said[f"{name}_range"] = [min(values), max(values)]
    return said


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    if "machine" in figures:
        yield from _throughput_lines(figures)
    if "takeover" in figures:
        gap = figures["takeover"]
        yield (
            f"takeover  {gap['seconds']:.2f} s without an answer (worst {gap['worst']:.2f} s), "
            f"median of {gap['kills']}, {gap['remembered']:,} ids remembered per partition"
        )
        yield (
            f"          {gap['untimed_seconds']:.2f} s (worst {gap['untimed_worst']:.2f} s) for "
            f"ids without a time, which wait for their partition's window"
        )
    for step in figures.get("handover", ()):
        yield (
            f"handover  {step['change']} nodes: {step['moved']} of 64 partitions moved "
            f"({step['needed']} had to), longest wait {step['longest'] * 1000:.0f} ms, "
            f"median {step['median'] * 1000:.1f} ms"
        )


def _throughput_lines(figures: dict[str, Any]) -> Iterator[str]:
    machine, raw = figures["machine"], figures["raw"]
    low, high = raw["per_second_range"]
    void = "" if raw["valid"] else ": the client was measured, the ratio is void"
    yield f"{machine['server']}, AOF everysec; median of {machine['runs']}"
    yield f"Python {machine['python']}, {machine['machine']}"
    yield f"raw     {raw['per_second']:>9,.0f} XADD/s      ({low:,.0f} to {high:,.0f})"
    yield f"        server busy {raw['server_share']:.0%} of the time{void}"
    if "engine" not in figures:
        return
    engine = figures["engine"]
    low, high = engine["per_second_range"]
    lowest, highest = engine["ratio_to_raw_range"]
    yield f"engine  {engine['per_second']:>9,.0f} commands/s  ({low:,.0f} to {high:,.0f})"
    for who in ("engine", "server"):
        cost, share = engine[f"{who}_us"], engine[f"{who}_share"]
        yield f"        {who}: {cost:.1f} us a command, busy {share:.0%} of the time"
    yield f"ratio   {engine['ratio_to_raw']:>9.3f} x raw        ({lowest:.3f} to {highest:.3f})"
