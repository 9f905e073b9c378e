"""``semel dev``: everything on this machine, and the next thing to type."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from engine.edge.cli.example import example
from engine.edge.cli.options import (
    ConfigFile,
    Format,
    MetricsPort,
    Namespace,
    Output,
    Redis,
    settings_of,
)
from engine.edge.cli.output import say, show
from engine.edge.cli.serve import has_http

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.settings import Settings


Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65535,
        help="The server's port; else the first free one from 7901 on.",
    ),
]  # fmt: skip
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", file_okay=False,
        help="Keep the data there; else it goes at exit.",
    ),
]  # fmt: skip
Reload = Annotated[
    bool, typer.Option("--reload", help="Start anew when handlers, projections or config change.")
]


def dev(  # noqa: PLR0913 -- its options
    port: Port = None,
    data: Data = None,
    reload: Reload = False,
    server: Annotated[str | None, typer.Option("--server", hidden=True)] = None,
    metrics_port: MetricsPort = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Everything on this machine: a server, an engine node, a worker, the HTTP gateway.

    Ctrl-C stops it all. With --redis nothing is started but semel itself. With --reload a change
    that is broken is told, and the next one waited for; the server and its data stay.

    \b
    Examples:
      semel dev --port 7901 --data ./data
      semel dev --reload
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine import app  # noqa: PLC0415 -- what --help can do without
    from engine.edge.local import serve_at, serve_here  # noqa: PLC0415
    from engine.edge.reload import reload as restart  # noqa: PLC0415

    settings = settings_of(redis, config, namespace, metrics_port=metrics_port)
    if reload:
        given = {"--config": config, "--namespace": namespace, "--metrics-port": metrics_port}
        words = [(name, str(value)) for name, value in given.items() if value is not None]
        passed_on = [word for pair in words for word in pair]
        served = partial(restart, settings, config, passed_on, say)
        app.run_process(partial(served, port=port, data=data, url=redis))
        return _ended(output)
    domain = app.domain_of(settings)
    alongside = partial(_show_banner, domain, server)
    if redis is not None:
        app.run_process(partial(serve_at, settings, domain, alongside, gateway=has_http()))
    else:
        here = partial(serve_here, settings, domain, alongside, port=port, data=data)
        app.run_process(partial(here, gateway=has_http()))
    return _ended(output)


def _ended(output: Format) -> int:
    """Say that it was stopped, where a document was asked for."""
    if output is not Format.TEXT:
        show(output, {"stopped": True}, "")
    return 0


async def _show_banner(
    domain: "Domain", told: str | None, settings: "Settings", server: str
) -> None:
    """Say where everything is and what to type next; redis-cli needs no semel at all.

    ``told`` is what started this process says of the server: nothing, where it was told before.
    """
    if told == "":
        say(f"serves {len(domain.commands)} commands, {len(domain.projections)} projections again")
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(
        Panel.fit(
            f"[bold]semel[/bold] serves {len(domain.commands)} commands and "
            f"{len(domain.projections)} projections\n\n"
            f"Redis URL    [bold]{settings.redis}[/bold]\n"
            f"server       {told or server}\n"
            f"HTTP         {_gateway(settings)}\n"
            f"namespace    {settings.namespace}\n\n"
            f"For development: one machine, no password. Ctrl-C stops it.",
            border_style="green",
        )
    )
    console.print(_next_steps(domain, settings), markup=False)


def _gateway(settings: "Settings") -> str:
    """Where the gateway is, or what it lacks."""
    if has_http():
        return f"http://{settings.http_host}:{settings.http_port}/openapi.json"
    return escape("not installed: pip install 'semel[http]'")


def _next_steps(domain: "Domain", settings: "Settings") -> str:
    port = settings.redis.rpartition(":")[2].partition("/")[0]
    tried = example(domain)
    asked = f"  semel query {tried.query}\n" if tried.query else ""
    return (
        f"In another terminal, in this directory:\n\n"
        f"  export SEMEL_REDIS={settings.redis}\n"
        f"  semel submit {tried.type} {tried.aggregate} {tried.words}\n"
        f"{asked}\n"
        f"The same with nothing but redis-cli:\n\n"
        f"  redis-cli -p {port} XADD '{{{settings.namespace}}}:inbox' '*' type {tried.type} "
        f"aggregate {tried.aggregate} data '{tried.data}' meta '{{\"reply\":\"r1\"}}'\n"
        f"  redis-cli -p {port} BLPOP {settings.namespace}:reply:r1 5\n"
    )
