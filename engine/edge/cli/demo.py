"""``semel demo``: watch orders flow, then ask what has become of them."""

import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from engine.core.errors import Misuse
from engine.core.messages import Query
from engine.edge.cli.options import ConfigFile, Format, Output, settings_of
from engine.edge.cli.output import paint, plain, say, show, tell
from engine.edge.cli.readable import document

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.edge.client import Client
    from engine.settings import Settings

Tell = Callable[[str], None]
"""How text is shown: on stdout, or beside a document that is there."""

_NEXT = """\
That was everything: the server, an engine node, a projection worker and {commands} commands.
Now with your own hands. In one terminal:

  semel dev --data ./data

and in another, in this directory:

  semel submit CreateOrder order-42 customer_id=c-1 \\
      'items:=[{{"product_id":"p-1","quantity":2,"unit_price":"12.50"}}]' \\
      shipping_address.street='1 Main' shipping_address.city=Reims \\
      shipping_address.postal_code=51100 shipping_address.country=FR
  semel query GetOrderById order_id=order-42
  semel events order-42
  semel status
"""


def demo(
    orders: Annotated[
        int, typer.Option("--orders", min=1, help="How many orders to create.")
    ] = 20_000,
    config: ConfigFile = None,
    output: Output = Format.TEXT,
) -> int:
    """Start everything, stream generated orders of the order shop through it, ask queries.

    Example: semel demo --orders 500
    """
    from engine import app  # noqa: PLC0415 -- what --help can do without
    from engine.edge.local import serve_here  # noqa: PLC0415

    settings = settings_of(None, config, None, log_level="warning")
    domain = app.domain_of(settings)
    lines = _sample(settings.handlers, orders)
    told = tell if output is Format.TEXT else say
    app.run_process(partial(serve_here, settings, domain, partial(_show, domain, lines, told)))
    if output is not Format.TEXT:
        show(output, {"commands": len(lines)}, "")
    return 0


def _sample(handlers: str, orders: int) -> list[bytes]:
    """The commands of so many generated orders, as lines of JSON."""
    try:
        sample = import_module(f"{handlers}.sample")
    except ModuleNotFoundError as error:
        raise Misuse("the demo streams the order shop's sample: run it where that is") from error
    return [msgspec.json.encode(line) for line in sample.sample_orders(orders)]


async def _show(
    domain: "Domain", lines: Sequence[bytes], tell: Tell, settings: "Settings", server: str
) -> None:
    from engine.app import open_client  # noqa: PLC0415

    tell(f"{paint('semel', typer.colors.GREEN)} on {server.partition(',')[0]} at {settings.redis}")
    async with open_client(settings, domain) as client:
        await _stream(client, lines, tell, settings.wait_seconds)
        await _ask(client, domain, lines, tell)
    tell(_NEXT.format(commands=len(lines)))
    signal.raise_signal(signal.SIGINT)


async def _stream(client: "Client", lines: Sequence[bytes], tell: Tell, seconds: float) -> None:
    """Submit everything; progress is shown on the way."""
    from engine.edge.cli.bulk import Load  # noqa: PLC0415
    from engine.edge.cli.gauge import gauge  # noqa: PLC0415

    async def each() -> AsyncIterator[bytes]:
        for line in lines:
            yield line

    tell(f"submitting {len(lines)} commands …")
    began = time.monotonic()
    with gauge(sum(map(len, lines)), line_seconds=1.0) as advance:
        load = Load(client, seconds, Format.TEXT, advance)
        await load.run(each())
    took = time.monotonic() - began
    tell(f"{load.standing()}, in {took:.1f} s: {len(lines) / took:,.0f} commands a second")


async def _ask(client: "Client", domain: "Domain", lines: Sequence[bytes], tell: Tell) -> None:
    """Ask the read side, from views that have seen the last of the orders."""
    created = [line for line in map(msgspec.json.decode, lines) if line["type"] == "CreateOrder"]
    last = created[-1]
    customer = last["data"]["customer_id"]
    repeated = await client.commands.submit(
        last["type"], last["aggregate"], msgspec.json.encode(last["data"]), id=last["id"]
    )
    tell(f"\nThe last order once more, with its id: {repeated.status}. Nothing happens twice.")
    for name, words in (
        ("GetOrderById", {"order_id": last["aggregate"]}),
        ("GetCustomer", {"customer_id": customer}),
        ("GetOrdersByCustomer", {"customer_id": customer, "page_size": 3}),
    ):
        query: Query[Any] = domain.queries[name].query.model_validate(words)
        view = await client.queries.dispatch(query, after=repeated)
        said = " ".join(f"{key}={value}" for key, value in words.items())
        tell(paint(f"\n$ semel query {name} {said}", typer.colors.CYAN))
        for line in document(plain(view)):
            tell(line)
    tell("")
