"""taskiq on Redis: a stream broker and a result backend, one worker process of 64 tasks.

A client asks its result backend again and again; how often is its user's choice, and here it
follows from how many wait: each asks a few times before its order is done, not more.
"""

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from subprocess import DEVNULL, Popen
from typing import Any

import anyio
from redis.asyncio import Redis

from tests.benchmarks.peers import pace

TASKS = 64
CHECK_SECONDS = {1: 0.002, 64: 0.05, 512: 0.3}
"""How often one order's result is asked for, by how many are in flight."""

_LOOK_SECONDS = 0.02
_RESULT_SECONDS = 30.0


async def measure(plan: pace.Plan) -> None:
    os.environ["SHOP_REDIS"] = plan.url
    from tests.benchmarks.peers import taskiq_tasks as shop  # noqa: PLC0415 -- it reads SHOP_REDIS

    await shop.waiting.startup()
    await shop.asked.startup()
    await fill(shop.keep_order, plan.backlog)
    async with worker("waiting"):
        drained = await drain(plan)
    parts: dict[str, Any] = {}
    async with worker("asked"):
        for number, every in CHECK_SECONDS.items():

            async def create(order: dict[str, Any], every: float = every) -> None:
                task = await shop.create_order.kiq(order)
                result = await task.wait_result(check_interval=every, timeout=_RESULT_SECONDS)
                result.raise_for_error()

            await pace.in_flight(0.2, 1, create)
            name = "one" if number == 1 else f"at_{number}"
            parts[name] = await pace.in_flight(plan.seconds, number, create)
    pace.tell(("taskiq", "taskiq-redis", "redis"), drain=drained, **parts)


async def fill(task: Any, count: int) -> None:
    """Send a backlog, some at a time."""
    waiting = iter(range(count))

    async def send() -> None:
        for number in waiting:
            await task.kiq(pace.order(number))

    async with anyio.create_task_group() as tasks:
        for _ in range(TASKS):
            tasks.start_soon(send)


async def drain(plan: pace.Plan) -> dict[str, float]:
    """How fast one worker handles what is there: from the first look at which some was read."""
    async with Redis.from_url(plan.url) as redis:
        first, began, done = 0, 0.0, 0
        while done < plan.backlog:
            await anyio.sleep(_LOOK_SECONDS)
            [group] = await redis.xinfo_groups("waiting")
            done = group["entries-read"] - group["pending"] if group["entries-read"] else 0
            if done and not first:
                first, began = done, time.perf_counter()
        return pace.drained(plan.backlog - first, time.perf_counter() - began)


@asynccontextmanager
async def worker(broker: str) -> AsyncIterator[None]:
    """The worker of taskiq, as its command starts it."""
    command = [
        sys.executable, "-m", "taskiq", "worker", f"tests.benchmarks.peers.taskiq_tasks:{broker}",
        "--workers=1", f"--max-async-tasks={TASKS}", "--log-level=ERROR",
    ]  # fmt: skip
    with Popen(command, stdout=DEVNULL, stderr=DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    anyio.run(partial(measure, pace.plan()), backend_options={"use_uvloop": True})
