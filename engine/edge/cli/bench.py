"""``semel bench``: what this machine's Redis can do, and how close the engine comes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.core.errors import Misuse
from engine.edge.bench.plan import Part, Plan
from engine.edge.cli.options import ConfigFile, Format, Output, settings_of
from engine.edge.cli.output import plain, say, show

if TYPE_CHECKING:
    from engine.settings import Settings

NAMESPACE = "bench"

Parts = Annotated[list[Part] | None, typer.Argument(help="What to measure; all unless named.")]
Commands = Annotated[int, typer.Option(min=1000, help="Commands to drain, or ids to remember.")]
Events = Annotated[int, typer.Option(min=1000, help="Events to project and to rebuild from.")]
Orders = Annotated[int, typer.Option(min=100, help="Orders to fulfil.")]
Runs = Annotated[int, typer.Option(min=1, help="Runs of each rate; their median counts.")]
Rate = Annotated[int, typer.Option(min=10, help="Commands a second while live.")]
Seconds = Annotated[
    float, typer.Option(min=1, help="How long before a rebuild and after it; how long timers fire.")
]
Samples = Annotated[int, typer.Option(min=100, help="Commands whose latency is taken.")]
Server = Annotated[
    Path | None, typer.Option(help="The server program to measure; the embedded one unless named.")
]
Kills = Annotated[int, typer.Option(min=1, help="Owners to kill; the median counts.")]

Timers = Annotated[int, typer.Option(min=10, help="Timers that are due in a second.")]


def bench(  # noqa: PLR0913 -- an option each
    parts: Parts = None,
    commands: Commands = 100_000,
    events: Events = 100_000,
    orders: Orders = 10_000,
    runs: Runs = 3,
    rate: Rate = 2000,
    seconds: Seconds = 20,
    samples: Samples = 5000,
    kills: Kills = 20,
    timers: Timers = 1000,
    server: Server = None,
    config: ConfigFile = None,
    output: Output = Format.TEXT,
) -> int:
    """Measure this machine, on an embedded server with an append-only file (everysec).

    Rates, beside `raw` in one run, for only the ratio says something about semel: `raw` is XADD
    of the workload's own entries, nothing else; `engine` drains prepared CreateOrder commands
    through the whole protocol; `projection` has one worker apply a history of orders; `rebuild`
    has it build another generation from that; `fulfilment` has orders of three lines reserved and
    confirmed, or cancelled, by the process manager, and checks the stock. Each needs two cores.

    Scenes: `live` rebuilds under load, and says what clients notice; `latency` takes one command
    at a time, beside an echo; `load` has aggregates loaded, of many events and of few; `takeover`
    kills owners, and says for how long nobody answers; `handover` lets nodes join and leave, and
    says for how long a command waited; `timers` has many fire, and says how late they were;
    `memory` says what a remembered id takes.

    Example: semel bench rebuild --events 1000000 --runs 1
    """
    plan = Plan(
        frozenset(parts or Part),
        commands,
        events,
        orders,
        runs,
        rate,
        seconds,
        samples,
        kills,
        timers,
        server,
    )
    from engine.edge.bench.telling import lines  # noqa: PLC0415 -- what --help can do without

    figures = _measured(
        plan, settings_of(None, config, NAMESPACE, partitions=16, log_level="error")
    )
    show(output, figures, list(lines(figures)))
    return 0


def _measured(plan: Plan, settings: "Settings") -> dict[str, Any]:
    """What was measured, in a process that does nothing else."""
    from engine import app  # noqa: PLC0415 -- what --help can do without
    from engine.edge.bench.measuring import measure  # noqa: PLC0415

    domain, figures = app.domain_of(settings), dict[str, Any]()
    if "CreateOrder" not in domain.commands:
        raise Misuse("the workload is the order shop's: run this where its handlers are")

    async def run() -> None:
        figures.update(plain(await measure(plan, settings, domain, say)))

    app.run_process(run)
    return figures
