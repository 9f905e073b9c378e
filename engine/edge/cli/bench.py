"""``semel bench``: what this machine's Redis can do, and how close the engine comes."""

from enum import StrEnum
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

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


NAMESPACE = "bench"


def bench(
    parts: Annotated[list[Part] | None, typer.Argument(help="What to measure; all unless named.")] = None,
    commands: Annotated[int, typer.Option("--commands", min=1000, help="Commands to drain.")] = 100_000,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Runs of each part; their median counts.")] = 3,
    config: ConfigFile = None,
    output: Output = Format.TEXT,
) -> int:
    """Measure this machine, on an embedded server with an append-only file (everysec).

    `raw` is XADD of the workload's own entries, nothing else; `engine` drains prepared
    CreateOrder commands, over as many aggregates, through the whole protocol. Both in one
    run: only the ratio says something about semel. The two need a core each.

    Example: semel bench engine --commands 100000 --runs 3
    """
    from engine import app  # noqa: PLC0415 -- what --help can do without

    settings = settings_of(
        None, config, NAMESPACE, partitions=16, log_level="error"
    )
    domain = app.domain_of(settings)
    if "CreateOrder" not in domain.commands:
        raise Misuse("the workload is the order shop's: run this where its handlers are")
    measured: dict[str, Any] = {}
    wanted = tuple(parts or Part)
    app.run_process(partial(_measure, settings, domain, wanted, commands, runs, measured))
    show(output, measured, list(_lines(measured)))
    return 0


async def _measure(
    settings: "Settings", domain: "Domain", wanted: tuple[Part, ...], commands: int, runs: int,
    measured: dict[str, Any],
) -> None:  # fmt: skip
    """Run each part several times, each time on an empty server, raw beside engine."""
    from engine.edge.bench import parts  # noqa: PLC0415
    from engine.edge.server import embedded_server  # noqa: PLC0415

    raws, drains = [], []
    kind = ""
    for run in range(runs):
        say(f"run {run + 1} of {runs} …")
        async with embedded_server() as server:
            kind = server.kind
            raw = parts.raw(server.port, commands * 2)
            raws.append(raw)
        if Part.ENGINE in wanted:
            async with embedded_server() as server:
                here = settings.model_copy(update={"redis": server.url})
                drains.append(await parts.drain(here, domain, server.port, commands, raw.per_second))
    measured["machine"] = {**parts.facts(), "server": kind, "runs": runs}
    measured["raw"] = _middle(raws) | {"valid": all(raw.valid for raw in raws)}
    if drains:
        measured["engine"] = _middle(drains)


def _middle(runs: list[Any]) -> dict[str, Any]:
    """The median of each figure, and of the rate and the ratio also the least and the most."""
    fields = runs[0].__struct_fields__
    said: dict[str, Any] = {name: median(getattr(run, name) for run in runs) for name in fields}
    for name in ("per_second", "ratio_to_raw"):
        if name in said:
            values = [getattr(run, name) for run in runs]
            said[f"{name}_range"] = [min(values), max(values)]
    return said


def _lines(measured: dict[str, Any]) -> list[str]:
    machine, raw = measured["machine"], measured["raw"]
    low, high = raw["per_second_range"]
    lines = [
        f"{machine['server']}, AOF everysec; Python {machine['python']}, {machine['machine']}; "
        f"median of {machine['runs']}",
        f"raw     {raw['per_second']:>9,.0f} XADD/s      ({low:,.0f} to {high:,.0f}), "
        f"server busy {raw['server_share']:.0%} of the time"
        + ("" if raw["valid"] else ": the client was measured, the ratio is void"),
    ]
    engine = measured.get("engine")
    if engine:
        low, high = engine["per_second_range"]
        lowest, highest = engine["ratio_to_raw_range"]
        lines += [
            f"engine  {engine['per_second']:>9,.0f} commands/s  ({low:,.0f} to {high:,.0f})",
            f"        {engine['engine_us']:.1f} us of Python and {engine['server_us']:.1f} us of the "
            f"server per command; busy {engine['engine_share']:.0%} and {engine['server_share']:.0%}",
            f"ratio   {engine['ratio_to_raw']:>9.3f} x raw        ({lowest:.3f} to {highest:.3f})",
        ]
    return lines
