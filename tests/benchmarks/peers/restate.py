"""Restate: its server, a virtual object in Python served by granian, a client over HTTP.

Four partitions instead of 24, and granian with uvloop instead of hypercorn: both are faster on
two cores. The backlog is sent one-way, and counted where it is handled.
"""

import sys
import time
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import aiohttp
import anyio
import restate

from tests.benchmarks.peers import pace

INGRESS, ADMIN, APP = 8080, 9070, 9080
SENDERS = 64
_READY_SECONDS = 30.0

orders = restate.VirtualObject("Order")
handled = 0


@orders.handler()
async def create(ctx: restate.ObjectContext, order: dict[str, Any]) -> str:
    """Keep an order that does not exist yet."""
    global handled  # noqa: PLW0603 -- the service tells how many it has handled
    if await ctx.get("order") is not None:
        raise restate.TerminalError("the order exists", status_code=409)
    if not order["items"]:
        raise restate.TerminalError("an order has items", status_code=422)
    ctx.set("order", order)
    handled += 1
    return str(order["order_id"])


counter = restate.Service("Counter")


@counter.handler()
async def count(ctx: restate.Context) -> int:  # noqa: ARG001 -- every handler is given one
    """How many orders were handled so far."""
    return handled


app = restate.app(services=[orders, counter])


async def measure(plan: pace.Plan) -> None:
    module = "tests.benchmarks.peers.restate:app"
    granian = [
        str(Path(sys.executable).parent / "granian"), "--interface", "asgi", "--http", "2",
        "--host", "127.0.0.1", "--port", str(APP), "--workers", "1", "--loop", "uvloop", module,
    ]  # fmt: skip
    [server] = Path(plan.home).glob("node_modules/@restatedev/restate-server-*/bin/restate-server")
    settings = [f"--base-dir={plan.folder}", "--default-num-partitions=4", "--node-name=one"]
    quiet: Any = {"stdout": DEVNULL, "stderr": DEVNULL}
    with Popen([str(server), *settings], **quiet) as kept, Popen(granian, **quiet) as service:
        try:
            pool = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=pool) as client:
                await _registered(client)
                await tell(plan, client)
        finally:
            kept.kill()
            service.kill()


async def tell(plan: pace.Plan, client: aiohttp.ClientSession) -> None:
    async def asked(order: dict[str, Any]) -> None:
        await _post(client, f"{order['order_id']}/create", order)

    parts = await pace.awaited(plan.seconds, asked)
    pace.tell(("restate-sdk", "granian"), drain=await drain(client, plan.backlog // 10), **parts)


async def drain(client: aiohttp.ClientSession, backlog: int) -> dict[str, float]:
    """Send orders one-way, and wait until all of them were handled."""
    before, waiting = await _counted(client), iter(range(backlog))

    async def send() -> None:
        for number in waiting:
            await _post(client, f"waiting-{number}/create/send", pace.order(number))

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(SENDERS):
            tasks.start_soon(send)
    while await _counted(client) < before + backlog:
        await anyio.sleep(0.02)
    return pace.drained(backlog, time.perf_counter() - began)


async def _post(client: aiohttp.ClientSession, path: str, body: Any) -> Any:
    url = f"http://127.0.0.1:{INGRESS}/Order/{path}"
    async with client.post(url, json=body) as answer:
        answer.raise_for_status()
        return await answer.json()


async def _counted(client: aiohttp.ClientSession) -> int:
    # aiohttp would say what kind of nothing it sends, and Restate refuses that.
    url, nothing = f"http://127.0.0.1:{INGRESS}/Counter/count", ["Content-Type"]
    async with client.post(url, skip_auto_headers=nothing) as answer:
        answer.raise_for_status()
        return int(await answer.json())


async def _registered(client: aiohttp.ClientSession) -> None:
    """Tell the server of the service, as soon as both are there."""
    wish = {"uri": f"http://127.0.0.1:{APP}", "force": True}
    with anyio.fail_after(_READY_SECONDS):
        while True:
            try:
                url = f"http://127.0.0.1:{ADMIN}/deployments"
                async with client.post(url, json=wish) as answer:
                    if answer.status < 300:
                        await _counted(client)
                        return
            except aiohttp.ClientError:
                pass
            await anyio.sleep(0.1)


if __name__ == "__main__":
    anyio.run(partial(measure, pace.plan()), backend_options={"use_uvloop": True})
