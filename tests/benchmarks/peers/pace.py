"""What every peer's script has in common: the plan, the orders, and how fast something goes.

It runs in the peers' own environments, so it stands on Python alone (and anyio, where the peer
is asynchronous). A script is started as a module with the plan as its one word, and prints what
it has measured as the last line of its output; a part that the peer does not have is left out.
"""

import itertools
import json
import math
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

WARM = 30
"""So many orders before any is counted: connections are open, and code has been run once."""

IN_FLIGHT = (64, 512)
"""How many orders one client awaits at once, in the part of that name."""


@dataclass(frozen=True)
class Plan:
    """What to do: parts that pace themselves go on for ``seconds``, backlogs have ``backlog``.

    ``url`` is the store's, if the peer needs one; ``folder`` is its own and empty, and ``home``
    is where its packages were installed.
    """

    url: str
    folder: str
    home: str
    seconds: float
    backlog: int


def plan() -> Plan:
    """The plan that this process was started with."""
    return Plan(**json.loads(sys.argv[1]))


def tell(packages: tuple[str, ...], **parts: Any) -> None:
    """Print what was measured, and with which versions."""
    sys.stdout.flush()
    said = {"versions": {name: version(name) for name in packages}, **parts}
    print(f"\n{json.dumps(said)}", flush=True)  # noqa: T201 -- for the process that started this


def orders() -> Iterator[dict[str, Any]]:
    """New orders of two items and an address, each with an id of its own."""
    return map(order, itertools.count())


def order(number: int) -> dict[str, Any]:
    """One order of the shop; prices are texts, as JSON has no decimals."""
    return {
        "order_id": f"order-{number}",
        "customer_id": f"c-{number % 1000}",
        "items": [
            {"product_id": "p-1", "quantity": 2, "unit_price": "12.50"},
            {"product_id": "p-2", "quantity": 1, "unit_price": "4.20"},
        ],
        "shipping_address": {
            "street": "59 rue de l'Abbaye",
            "city": "Reims",
            "postal_code": "51100",
            "country": "France",
        },
    }


def paced(took: list[float], seconds: float) -> dict[str, float]:
    """A rate, and the milliseconds that each order took."""
    ordered = sorted(took)
    return {
        "per_second": len(ordered) / seconds,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[max(0, math.ceil(len(ordered) * 0.99) - 1)] * 1000,
    }


def drained(count: int, seconds: float) -> dict[str, float]:
    """The rate at which a backlog went away."""
    return {"per_second": count / seconds}


def threaded(
    seconds: float, threads: int, act: Callable[[dict[str, Any]], object]
) -> dict[str, float]:
    """So many threads, each with one order at a time, until the time is over."""
    took: list[float] = []
    until = (began := time.perf_counter()) + seconds

    def work() -> None:
        while (start := time.perf_counter()) < until:
            act(next(_ORDERS))
            took.append(time.perf_counter() - start)

    if threads == 1:
        work()
    else:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return paced(took, time.perf_counter() - began)


async def in_flight(
    seconds: float, number: int, act: Callable[[dict[str, Any]], Awaitable[object]]
) -> dict[str, float]:
    """So many tasks of one client, each awaiting one order at a time, until the time is over."""
    import anyio  # noqa: PLC0415 -- peers with threads do not have it

    took: list[float] = []
    until = (began := time.perf_counter()) + seconds

    async def work() -> None:
        while (start := time.perf_counter()) < until:
            await act(next(_ORDERS))
            took.append(time.perf_counter() - start)

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(work)
    return paced(took, time.perf_counter() - began)


async def awaited(
    seconds: float, act: Callable[[dict[str, Any]], Awaitable[object]]
) -> dict[str, Any]:
    """The parts in which a client awaits what becomes of its orders."""
    for _ in range(WARM):
        await act(next(_ORDERS))
    said: dict[str, Any] = {"one": await in_flight(seconds, 1, act)}
    for number in IN_FLIGHT:
        said[f"at_{number}"] = await in_flight(seconds, number, act)
    return said


_ORDERS = orders()
"""Taken by whoever comes next: `next` of an `itertools.count` is one step, also for threads."""
