"""What a process knows of its own health: whether its loop turns, how its roles stand.

The roles tell it, on the event loop. A thread asks (`engine.edge.monitoring`): it must have
an answer just when the loop is stuck. So whatever is told is one value that is replaced
whole; the thread sees the old one or the new one, never half of each.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from time import monotonic
from typing import Any, NamedTuple

import anyio

from engine.core.errors import SemelError, single
from engine.core.ports import Session
from engine.runtime.sessions import OpenSession
from engine.telemetry import metrics

TICK_SECONDS = 0.25
"""How often the loop shows that it turns: often enough to see it stumble, and for nothing."""

_LATE_KEPT = 40
"""Ticks whose lateness is remembered, ten seconds: somebody looks every so often, not at each."""

Clock = Callable[[], float]


class State(StrEnum):
    """How a role stands with Redis."""

    CONNECTING = "connecting"
    ACQUIRING = "acquiring"
    READY = "ready"
    BROKEN = "broken"
    STOPPED = "stopped"


class _Said(NamedTuple):
    """What a role said last, since when that holds, and why."""

    state: State
    since: float
    reason: str = ""


class Standing:
    """One role of a process, as it told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said = _Said(State.CONNECTING, clock())

    @property
    def is_ready(self) -> bool:
        """Whether it has a live session, and has asked for its leases on that."""
        return self._said.state is State.READY

    def when_asked(self, ready: Callable[[], None]) -> Callable[[], None]:
        """What is called once all leases were asked for, and perhaps again: leads to ``ready``."""

        def asked() -> None:
            if self._said.state is State.ACQUIRING:
                self._said = _Said(State.READY, self._clock())
            ready()

        return asked

    def serving(
        self, work: Callable[[Session], Awaitable[None]], ready: Callable[[], None]
    ) -> Callable[[Session], Awaitable[None]]:
        """The same work on a session, for a role that has no leases to ask for."""
        asked = self.when_asked(ready)

        async def serve(session: Session) -> None:
            asked()
            await work(session)

        return serve

    def watched(self, open_session: OpenSession) -> OpenSession:
        """The same door to sessions, with an eye on who comes and goes."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Session]:
            begun = False
            try:
                async with open_session() as session:
                    begun = True
                    metrics.SESSIONS.inc()
                    self._said = _Said(State.ACQUIRING, self._clock())
                    yield session
            except (SemelError, BaseExceptionGroup) as error:
                self._break(single(error), begun=begun)
                raise
            self._said = _Said(State.STOPPED, self._clock())

        return opened

    def report(self) -> dict[str, Any]:
        """What it says, for people and programs."""
        state, since, reason = self._said
        said = {"status": state.value, "for_seconds": round(self._clock() - since, 3)}
        return {**said, "reason": reason} if reason else said

    def _break(self, error: BaseException, *, begun: bool) -> None:
        """A session ended in doubt, or could not be had."""
        if begun:
            metrics.SESSIONS_BROKEN.labels(type(error).__name__).inc()
        was = self._said
        since = was.since if was.state is State.BROKEN else self._clock()
        self._said = _Said(State.BROKEN, since, f"{type(error).__name__}: {error}")


class Health:
    """What one process says when it is asked how it is."""

    def __init__(self, stall_seconds: float, clock: Clock = monotonic) -> None:
        self._stall_seconds, self._clock = stall_seconds, clock
        self._roles: dict[str, Standing] = {}
        self._ticked = clock()
        self._late: tuple[float, ...] = (0.0,)

    def role(self, name: str) -> Standing:
        """A role that this process has; it tells from now on how it stands."""
        standing = self._roles[name] = Standing(self._clock)
        return standing

    async def watch(self) -> None:
        """Show again and again that the loop turns, until cancelled."""
        while True:
            due = self._clock() + TICK_SECONDS
            await anyio.sleep(TICK_SECONDS)
            self.tick(due)

    def tick(self, due: float) -> None:
        """The loop turns, and should have come by at ``due``."""
        self._ticked = self._clock()
        self._late = (*self._late[1 - _LATE_KEPT :], max(0.0, self._ticked - due))

    @property
    def lag(self) -> float:
        """How late the loop was at its worst of late, in seconds; it may be so still."""
        return max(*self._late, self._clock() - self._ticked - TICK_SECONDS)

    def live(self) -> tuple[bool, dict[str, Any]]:
        """Whether the loop turns; and that, said."""
        still = self._clock() - self._ticked
        alive = still <= self._stall_seconds
        loop = {
            "status": "turning" if alive else "stalled",
            "for_seconds": round(still, 3), "limit_seconds": self._stall_seconds,
        }  # fmt: skip
        return alive, {"loop": loop}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether the loop turns and every role serves; and that, said of each."""
        alive, checks = self.live()
        roles = dict(self._roles)
        checks |= {name: standing.report() for name, standing in roles.items()}
        return alive and all(standing.is_ready for standing in roles.values()), checks
