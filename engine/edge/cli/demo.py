"""``semel demo``: watch orders flow, then ask what has become of them."""

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import msgspec
import typer
from rich.console import Console

from engine.core.errors import Misuse, SemelError
from engine.edge.cli.options import ConfigFile, settings_of
from engine.edge.cli.progress import Progress

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.edge.client import Client
    from engine.settings import Settings

IN_FLIGHT = 256
"""Commands under way at once: enough to keep the engine busy, few enough to see them come back."""


def demo(
    orders: Annotated[int, typer.Option("--orders", min=1, help="How many orders to create.")] = 5000,
    config: ConfigFile = None,
) -> int:
    """Start everything, stream generated orders of the order shop through it, and ask queries.

    Example: semel demo --orders 500
    """
    from engine import app  # noqa: PLC0415 -- what --help can do without
    from engine.edge.local import serve_here  # noqa: PLC0415

    settings = settings_of(None, config, None, log_level="warning")
    domain = app.domain_of(settings)
    app.run_process(partial(serve_here, settings, domain, partial(_show, domain, orders)))
    return 0


async def _show(domain: "Domain", orders: int, settings: "Settings", server: str) -> None:
    from engine.app import open_client  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]semel[/bold] on {server.partition(',')[0]} at {settings.redis}\n")
    async with open_client(settings, domain) as client:
        await _stream(client, console, _sample(settings, orders))
        await _ask(client, domain, console)
    _say_next(console)
    signal.raise_signal(signal.SIGINT)
