"""A client process: submits commands until it is asked to stop, and never gives one up.

Run as a script. What was begun is asked for again, with the same id, until it is
answered; only then does the process end, with 0.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import anyio

import engine
from engine.core.ids import uuid7
from tests.faults.notebook import Notebook
from tests.faults.ways import NoAnswer, Ways
from tests.faults.workload import Wish, Workload

IN_FLIGHT = 8
"""Commands of one client under way at a time."""

SHARED = "shared"
"""The name of the wishes that every client has: the same ids, from several clients at once."""

_PAUSE_SECONDS = 0.1
"""Between two commands of one worker, on average: the machine must be able to take over, too."""


class Shopper:
    """One client: what it wants, how it asks, what it wrote down."""

    def __init__(self, name: str, seed: int, ways: Ways, notebook: Notebook) -> None:
        self._name, self._ways, self._notebook = name, ways, notebook
        self._random = Random(f"{seed} {name} habits")
        self._wishes = self._mixed(Workload(seed, name), Workload(seed, SHARED))
        self.stopping = False

    def _mixed(self, own: Workload, shared: Workload) -> Iterator[tuple[str, Wish]]:
        """Its own wishes and, one in ten, the next of those that all share; each with its id."""
        mine, ours = enumerate(own), enumerate(shared)
        while True:
            if self._random.random() < 0.1:
                number, wish = next(ours)
                yield f"{SHARED}-{number}", wish
            else:
                number, wish = next(mine)
                timed = self._random.random() < 0.5
                now = time.time_ns() // 1_000_000
                yield uuid7(now) if timed else f"{self._name}-{number}", wish

    async def work(self) -> None:
        """One command after the other, each until it is answered."""
        while not self.stopping:
            id, wish = next(self._wishes)
            await self._pursue(id, wish)
            await anyio.sleep(self._random.uniform(0, 2 * _PAUSE_SECONDS))

    async def _pursue(self, id: str, wish: Wish) -> None:
        habit = self._random.random()
        if habit < 0.05:
            # twice at once: which of them comes first is anybody's guess
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._until_answered, id, wish)
                tasks.start_soon(self._until_answered, id, wish)
            return
        await self._until_answered(id, wish)
        if habit > 0.9:
            await self._until_answered(id, wish)

    async def _until_answered(self, id: str, wish: Wish) -> None:
        pause = 0.05
        while not await self._once(id, wish):
            await anyio.sleep(pause)
            pause = min(pause * 2, 1.0)

    async def _once(self, id: str, wish: Wish) -> bool:
        [way] = self._random.choices(("sdk", "stream", "inbox"), (70, 15, 15))
        submission = self._notebook.begin(way, id, wish)
        try:
            self._notebook.answered(submission, await self._ways.submit(submission))
        except NoAnswer as error:
            self._notebook.gave_up(submission, str(error))
            return False
        return True


async def main(arguments: argparse.Namespace) -> None:
    """Serve one client's wishes until SIGTERM."""
    with (
        anyio.open_signal_receiver(signal.SIGTERM) as signals,
        Notebook(arguments.history, arguments.name) as notebook,
    ):
        async with (
            engine.connect(arguments.redis, namespace=arguments.namespace) as sdk,
            Ways(sdk, arguments.redis, arguments.namespace, arguments.partitions) as ways,
            anyio.create_task_group() as tasks,
        ):
            shopper = Shopper(arguments.name, arguments.seed, ways, notebook)
            for _ in range(IN_FLIGHT):
                tasks.start_soon(shopper.work)
            await anext(signals)
            shopper.stopping = True


def command(  # noqa: PLR0913 -- what a client is told
    name: str, seed: int, redis: str, namespace: str, partitions: int, history: Path
) -> list[str]:
    """The command that starts a client."""
    return [
        sys.executable, "-m", "tests.faults.clients", "--name", name, "--seed", str(seed),
        "--redis", redis, "--namespace", namespace, "--partitions", str(partitions),
        "--history", str(history),
    ]  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--history", type=Path, required=True)
    anyio.run(main, parser.parse_args())
