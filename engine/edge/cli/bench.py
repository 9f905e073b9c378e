"""``semel bench``: what this machine's Redis can do, and how close the engine comes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.core.errors import Misuse
from engine.core.generations import MAX_LOAD
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
Aggregates = Annotated[
    int, typer.Option(min=1000, help="The most that are stored while growth is looked at.")
]
Runs = Annotated[
    int,
    typer.Option(
        min=1, help="Runs of rates and most scenes, rounds of growth (5 at least): medians count."
    ),
]
Rate = Annotated[int, typer.Option(min=10, help="Commands a second while live.")]
MaxLoad = Annotated[
    float, typer.Option(min=0.01, max=1, help="The share of its time that a worker rebuilds for.")
]
Seconds = Annotated[
    float, typer.Option(min=1, help="How long before a rebuild and after it; how long timers fire.")
]
Samples = Annotated[int, typer.Option(min=100, help="Commands whose latency is taken.")]
Server = Annotated[
    Path | None, typer.Option(help="The server program to measure; the embedded one unless named.")
]
Plot = Annotated[
    Path | None, typer.Option(metavar="FILE.svg", help="Draw budgets and ratios into a file.")
]
Kills = Annotated[int, typer.Option(min=1, help="Owners to kill; the median counts.")]

Timers = Annotated[int, typer.Option(min=10, help="Timers that are due in a second.")]


def bench(  # noqa: PLR0913 -- an option each
    parts: Parts = None,
    commands: Commands = 100_000,
    events: Events = 100_000,
    orders: Orders = 10_000,
    aggregates: Aggregates = 1_000_000,
    runs: Runs = 3,
    rate: Rate = 2000,
    max_load: MaxLoad = MAX_LOAD,
    seconds: Seconds = 20,
    samples: Samples = 5000,
    kills: Kills = 20,
    timers: Timers = 1000,
    server: Server = None,
    plot: Plot = None,
    config: ConfigFile = None,
    output: Output = Format.TEXT,
) -> int:
    """Measure this machine, on an embedded server with an append-only file (everysec).

    Rates, beside `raw` in one run, for only the ratio says something about semel: `raw` is XADD
    of the workload's own entries, nothing else; `submit` adds commands as the SDK does; `engine`
    drains prepared CreateOrder commands through the whole protocol; `concurrent` has one client
    process with 64 and with 512 in flight; `durability` drains with AOF off, everysec and always;
    `scale` drains with a core each, and works out what more would do; `projection` has one worker
    apply a history of orders; `rebuild` has it build another generation; `fulfilment` has orders of
    three lines reserved and confirmed, or cancelled, by the process manager, and checks the
    stock. Each needs two cores.

    Scenes: `live` rebuilds under load, and says what clients notice; `latency` takes one
    command at a time, beside an echo, then commands at shares of the most; `path` says where
    the time of one goes, step by step; `gateway` sends them over HTTP and by the SDK; `load` has
    aggregates loaded, of many events and of few; `takeover` kills owners, and says for how long
    nobody answers; `handover` lets nodes join and leave, and says for how long a command waited;
    `timers` has many fire, and says how late they were; `memory` says what ids, streams and
    actors take; `growth` handles commands where little and much is stored; `startup` waits for
    a first outcome.

    Example: semel bench rebuild --events 1000000 --runs 1
    """
    if plot is not None:
        _require_place(plot)
    plan = Plan(
        frozenset(parts or Part), commands, events, orders, aggregates, runs, rate,
        max_load, seconds, samples, kills, timers, server,
    )  # fmt: skip
    settings = settings_of(None, config, NAMESPACE, partitions=16, log_level="error")
    _tell(_measured(plan, settings), plot, output)
    return 0


def _tell(figures: dict[str, Any], plot: Path | None, output: Format) -> None:
    """Show figures and budgets, and draw them where that is wanted."""
    from engine.edge.bench import budgets, picture  # noqa: PLC0415 -- what --help can do without
    from engine.edge.bench.telling import lines  # noqa: PLC0415

    held = budgets.held(figures)
    if plot is not None:
        _draw(plot, picture.svg(figures, held))
    show(output, figures | {"budgets": plain(held)}, list(lines(figures)))


def _require_place(plot: Path) -> None:
    """Refuse a picture that could not be written after all the measuring."""
    if not plot.absolute().parent.is_dir():
        raise Misuse(
            f"--plot {plot}: there is no directory {plot.absolute().parent}; make it first"
        )


def _draw(plot: Path, picture: str) -> None:
    try:
        plot.write_text(picture)
    except OSError as error:
        say(f"{plot} could not be written ({error.strerror}); the figures follow")


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
