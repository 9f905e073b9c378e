"""Several processes of one kind on this machine, kept running until they are asked to stop.

Each is an ordinary `semel run`: what keeps them from each other's partitions is in Redis, and
it is the same wherever they run. One that dies is started again; one that was drained has
done what it was asked, and is not. They die with this process, however it ends.
"""

import signal
import sys
from collections.abc import Sequence

import anyio
from anyio.abc import Process

from engine.edge.leash import leash
from engine.telemetry import log

_PAUSE_FIRST = 0.2
_PAUSE_LIMIT = 10.0
"""Seconds before one that died is started again: doubled from the first to the limit."""

_STEADY_SECONDS = 30.0
"""One that ran for so long died of something new: it is started again without delay."""


class _Workers:
    """The processes under way, and whether they are wanted."""

    def __init__(self) -> None:
        self._running: set[Process] = set()
        self._is_stopping = anyio.Event()
        self.worst = 0
        """The exit code of the first one that failed while it was asked to stop."""

    async def keep(self, number: int, arguments: Sequence[str]) -> None:
        """Keep one process running until it ends as it was asked to."""
        pause = _PAUSE_FIRST
        while not self._is_stopping.is_set():
            began = anyio.current_time()
            code = await self._run(arguments)
            if code == 0 or self._is_stopping.is_set():
                # One that could not listen yet when it was stopped had nothing in hand.
                self.worst = self.worst or (0 if code == -signal.SIGTERM else code)
                return
            if anyio.current_time() - began > _STEADY_SECONDS:
                pause = _PAUSE_FIRST
            log.error("worker.died", worker=number, code=code, again_in_seconds=pause)
            with anyio.move_on_after(pause):
                await self._is_stopping.wait()
            pause = min(pause * 2, _PAUSE_LIMIT)

    def send(self, number: signal.Signals) -> None:
        """Pass a signal on: the first asks for a drain, the second cuts it short."""
        self._is_stopping.set()
        for process in self._running:
            if process.returncode is None:
                process.send_signal(number)

    async def _run(self, arguments: Sequence[str]) -> int:
        with leash([sys.executable, "-m", "engine.edge.cli", *arguments]) as leashed:
            # Ctrl-C in a terminal goes to a whole group: they get it from us alone, once.
            process = await anyio.open_process(
                leashed.command, stdin=leashed.stdin, stdout=None, stderr=None,
                start_new_session=True,
            )  # fmt: skip
            self._running.add(process)
            if self._is_stopping.is_set():
                process.send_signal(signal.SIGTERM)
            try:
                return await process.wait()
            finally:
                self._running.discard(process)


async def supervise(each: Sequence[Sequence[str]]) -> int:
    """Keep a process ``semel <arguments>`` running for each of some arguments; their exit code.

    SIGTERM and SIGINT are passed on. Returns when all have ended.
    """
    workers = _Workers()
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _ in signals:
                    workers.send(signal.SIGTERM)

        tasks.start_soon(listen)
        async with anyio.create_task_group() as kept:
            for number, arguments in enumerate(each):
                kept.start_soon(workers.keep, number, arguments)
        tasks.cancel_scope.cancel()
    return workers.worst
