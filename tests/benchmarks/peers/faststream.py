"""FastStream on a Redis stream with a consumer group, one message per call of the handler.

The subscriber has 64 workers, for it may handle as many messages at once. A client that awaits
uses FastStream's request, one at a time only: it subscribes to its reply on one connection and asks
on another without waiting, so that with many in flight replies come before their subscription, are
lost, and are waited for in vain.
"""

import sys
import time
from functools import partial
from subprocess import DEVNULL, Popen
from typing import Any

import anyio
from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub

from tests.benchmarks.peers import pace
from tests.benchmarks.peers.messages import Order

WAITING, ASKED, GROUP = "waiting", "asked", "shop"
WORKERS = 64


async def measure(plan: pace.Plan) -> None:
    """Drain what has been waiting, in this process; then ask a process of its own."""
    drained = await drain(plan)
    # The process handles what the client asks, as a deployment would have it.
    command = [sys.executable, "-m", __spec__.name, sys.argv[1], ASKED]
    with Popen(command, stdout=DEVNULL, stderr=DEVNULL) as worker:
        async with RedisBroker(plan.url, logger=None) as broker:

            async def create(order: dict[str, Any]) -> None:
                await broker.request(order, stream=ASKED, timeout=30)

            await _answering(broker)
            one = await pace.in_flight(plan.seconds, 1, create)
        worker.kill()
    pace.tell(("faststream", "redis"), drain=drained, one=one)


async def drain(plan: pace.Plan) -> dict[str, float]:
    """How fast one process handles what is there."""
    broker = RedisBroker(plan.url, logger=None)
    done, left = anyio.Event(), plan.backlog

    @broker.subscriber(
        stream=StreamSub(WAITING, group=GROUP, consumer="one", last_id="0"), max_workers=WORKERS
    )
    async def handle(order: Order) -> None:  # noqa: ARG001 -- read is all that it is
        nonlocal left
        left -= 1
        if not left:
            done.set()

    return await timed(broker, done, plan.backlog)


async def timed(broker: RedisBroker, done: anyio.Event, backlog: int) -> dict[str, float]:
    """Fill the stream, and drain it: from the start of the broker until all is handled."""
    await broker.connect()
    await fill(broker, WAITING, backlog)
    began = time.perf_counter()
    await broker.start()
    await done.wait()
    seconds = time.perf_counter() - began
    await broker.stop()
    return pace.drained(backlog, seconds)


async def fill(broker: RedisBroker, stream: str, count: int) -> None:
    """Publish a backlog, some at a time."""
    waiting = iter(range(count))

    async def publish() -> None:
        for number in waiting:
            await broker.publish(pace.order(number), stream=stream)

    async with anyio.create_task_group() as tasks:
        for _ in range(WORKERS):
            tasks.start_soon(publish)


async def serve(plan: pace.Plan) -> None:
    """Answer requests until this process is killed."""
    broker = RedisBroker(plan.url, logger=None)

    @broker.subscriber(
        stream=StreamSub(ASKED, group=GROUP, consumer="one", last_id="0"), max_workers=WORKERS
    )
    async def handle(order: Order) -> dict[str, str]:
        return {"order_id": order.order_id}

    await FastStream(broker).run()


async def _answering(broker: RedisBroker) -> None:
    """Wait until the worker does: a request that nobody hears is sent again."""
    with anyio.fail_after(30):
        while True:
            try:
                await broker.request(pace.order(-1), stream=ASKED, timeout=1)
            except TimeoutError:
                continue
            return


if __name__ == "__main__":
    act = serve if sys.argv[2:] == [ASKED] else measure
    anyio.run(partial(act, pace.plan()), backend_options={"use_uvloop": True})
