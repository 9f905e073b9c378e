"""How a process stops: a story in six steps, told once.

1. A stop is asked for: SIGTERM, SIGINT, ``semel node drain``, or `Shutdown.ask`.
2. The others are told, so that they take over what is given back, as it is given back.
3. Nothing new is read: every partition, projector and inbox closes its subscription.
4. What is in hand is finished: the batch being decided is committed and answered.
5. Leases go back, so that a successor need not wait for them to expire.
6. Connections close, and the process exits with 0.

It must be over within a limit; a second signal cuts it short. What is cut short is safe:
uncommitted work is done again by the next owner.
"""

import signal

import anyio
from anyio import CancelScope
from anyio.abc import TaskStatus

from engine.core.errors import SemelError
from engine.telemetry import log


class Shutdown:
    """One stop, asked for once and heard by everyone."""

    def __init__(self) -> None:
        self._asked = anyio.Event()

    @property
    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask everyone to stop; asking twice changes nothing."""
        self._asked.set()

    def require_asked(self) -> None:
        """Nothing stops without saying so: raises `SemelError` when nobody asked for it."""
        if not self.asked:
            raise SemelError("the work ended although nobody asked for it: please report this")

    async def wait(self) -> None:
        """Until a stop is asked for."""
        await self._asked.wait()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until a stop is asked for."""
        with anyio.move_on_after(seconds):
            await self._asked.wait()


async def stop_on_signals(
    shutdown: Shutdown, work: CancelScope, seconds: float, *, task_status: TaskStatus[None]
) -> None:
    """Ask for a stop at the first SIGINT or SIGTERM; cancel the work at the second, or in time.

    A stop that somebody else asked for has the same limit.
    """
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async with anyio.create_task_group() as either:

            async def asked() -> None:
                await shutdown.wait()
                either.cancel_scope.cancel()

            either.start_soon(asked)
            async for _ in signals:
                shutdown.ask()
                break
        log.info("process.stopping", limit_seconds=seconds)
        with anyio.move_on_after(seconds):
            async for _ in signals:
                break
        work.cancel()
