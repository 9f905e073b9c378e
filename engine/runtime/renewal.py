"""The thread that renews leases, whatever the event loop is doing.

A decider that computes for seconds holds up the loop, and with it everything that runs on
it; leases renewed there would run out, and others would take over what is served. A thread
gets its turn every few milliseconds, since Python takes turns among threads by itself. (Code
that holds the interpreter's lock in C, without a break, stops the thread too.)

But a loop that never comes back must not keep its leases for ever. So the thread looks for
the loop's signs of life, and without them lets the leases run out: somebody else goes on,
and if a command is to blame, it is found out (`engine.runtime.caution`).
"""

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import anyio
import anyio.to_thread

from engine.core.errors import Lost
from engine.core.ports import Lifeline
from engine.telemetry import log

THREAD_NAME = "semel-leases"

_FRAMES_SHOWN = 8
"""Frames of a loop that does not come back: the decider that keeps it is among the innermost."""


class Renewal:
    """Tokens that are renewed. Use `renewing`."""

    def __init__(
        self,
        lifeline: Lifeline,
        heartbeat: float,
        stall: float,
        lost: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._lifeline, self._heartbeat, self._stall = lifeline, heartbeat, stall
        self._lost = lost
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()
        """Tokens come and go on the loop, while the thread looks at them."""
        self._stop = threading.Event()
        self._seen = monotonic()
        self._stalled = False

    def hold(self, key: str, token: str) -> None:
        """Renew a lease from now on."""
        with self._lock:
            self._tokens[key] = token

    def drop(self, key: str) -> None:
        """Renew a lease no more."""
        with self._lock:
            self._tokens.pop(key, None)

    def alive(self) -> None:
        """The loop's sign of life."""
        self._seen = monotonic()

    def stop(self) -> None:
        """Have the thread end before its next round."""
        self._stop.set()

    def run(self) -> None:
        """Renew until stopped: the thread's whole life."""
        while not self._stop.is_set():
            if self._has_loop():
                self._renew()
            self._stop.wait(self._heartbeat)
        self._lifeline.close()

    def _has_loop(self) -> bool:
        silent = monotonic() - self._seen
        stalled = silent > self._stall
        if stalled and not self._stalled:
            log.error(
                "process.stalled", seconds=round(silent, 1), leases=len(self._tokens),
                stack=_stack_of(self._thread),
            )  # fmt: skip
        self._stalled = stalled
        return not stalled

    def _renew(self) -> None:
        with self._lock:
            tokens = dict(self._tokens)
        try:
            lost = self._lifeline.renew(tokens)
        except Exception as error:  # noqa: BLE001 -- the thread's boundary: reported, and tried again
            foreseen = isinstance(error, Lost)
            log.warning(
                "lease.unrenewed", error=str(error), leases=len(tokens),
                exc_info=None if foreseen else error,
            )  # fmt: skip
            return
        if lost:
            self._loop.call_soon_threadsafe(self._lost, {key: tokens[key] for key in lost})


def _stack_of(thread: int) -> str:
    """Where a thread is just now, in its innermost frames."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 -- Python has no other name for it
    return "".join(traceback.format_stack(frame)[-_FRAMES_SHOWN:]) if frame is not None else ""


@asynccontextmanager
async def renewing(
    lifeline: Lifeline, heartbeat: float, stall: float, lost: Callable[[Mapping[str, str]], None]
) -> AsyncIterator[Renewal]:
    """Renew leases every ``heartbeat`` seconds until the end of the block.

    ``lost`` is called on the loop, with tokens that are not ours any more. After ``stall``
    seconds without `Renewal.alive` nothing is renewed.
    """
    renewal = Renewal(lifeline, heartbeat, stall, lost)
    thread = threading.Thread(target=renewal.run, name=THREAD_NAME, daemon=True)
    thread.start()
    try:
        yield renewal
    finally:
        renewal.stop()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(thread.join)
