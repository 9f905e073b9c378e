"""One process among others: it says that it lives and how it fares, and keeps its share.

A round at every heartbeat: look who is there, settle the leases, report. News from the
others (`{semel}:changes`) and ends of tenancies begin a round at once, so that a share is
found within milliseconds of its being given up; a lease that is about to run out is asked
for when it does.
"""

import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import anyio
import msgspec

from engine.core.errors import Refused
from engine.core.ports import Session
from engine.core.records import Member
from engine.runtime.leases import Group, Keeper
from engine.runtime.renewal import renewing
from engine.runtime.shutdown import Shutdown
from engine.settings import Settings
from engine.telemetry import log

LIFE_SECONDS = 60.0
"""What a process said of itself is kept for so long: who has died is listed as what it was."""

ROUND_SECONDS = 0.005
"""Between two rounds: news come in bursts, and one round answers a whole burst."""

UNHEARD_SECONDS = 0.02
"""Until the next look, while not even our own sign of life counts."""


class Process(NamedTuple):
    """What a process is called, what it does, and since when, in ms since 1970."""

    name: str
    role: str
    started_ms: int

    @classmethod
    def new(cls, role: str) -> "Process":
        """A name for this process: host and pid for people, random for uniqueness."""
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        return cls(name, role, time.time_ns() // 1_000_000)


Offer = Callable[[Mapping[str, Member]], Awaitable[Mapping[str, Group]]]
"""What this process could own, in named groups, given who is there (nobody is known at first).

Asked at each round; what cannot be found out now is left out, or as it was."""


class Membership:
    """This process among the others, on one session."""

    def __init__(
        self,
        session: Session,
        process: Process,
        offer: Offer,
        settings: Settings,
        shutdown: Shutdown,
    ) -> None:
        self._session, self._roster, self._process = session, session.roster, process
        self._offer, self._settings, self._shutdown = offer, settings, shutdown
        self._groups: Mapping[str, Group] = {}
        self._wake = anyio.Event()
        self._is_mute = False

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve a share until a stop is asked for, then drain as `engine.runtime.shutdown` tells.

        ``ready`` is called after the first round.
        """
        settings, name = self._settings, self._process.name
        renewed = renewing(
            self._session.lifeline(name, settings.lease_seconds),
            settings.heartbeat_seconds, settings.stall_seconds, self._lost,
        )  # fmt: skip
        async with renewed as self._renewal, anyio.create_task_group() as tasks:
            self._keeper = Keeper(
                self._session.leases, name, settings.lease_seconds, self._renewal, tasks,
                self._gave,
            )  # fmt: skip
            # First be seen, then be heard: who hears of us looks who is there.
            self._groups = await self._offer({})
            await self._report("serving")
            tasks.start_soon(self._listen, await self._tell("joined"))
            tasks.start_soon(self._heed)
            while not self._shutdown.asked:
                due = await self._round()
                ready()
                await self._pause(due)
            await self._drain()
            tasks.cancel_scope.cancel()
        await self._farewell()

    async def _round(self) -> float:
        """Look, settle, report; returns the seconds until the next round is due."""
        self._renewal.alive()
        due = self._settings.heartbeat_seconds
        try:
            await self._session.check_server()
            members = await self._roster.members(self._settings.lease_seconds)
            self._groups = await self._offer(members)
            if self._process.name not in members:
                # The server stood still, or its clock jumped: all look dead, and none is.
                return UNHEARD_SECONDS
            serving = self._serving(members)
            due = min(due, await self._keeper.settle(self._groups, serving))
        except Refused as error:
            log.warning("lease.unsettled", error=str(error), again_in_seconds=due)
        await self._report("serving")
        return due

    def _serving(self, members: Mapping[str, Member]) -> dict[str, list[str]]:
        """Who shares each group: all that live and do not drain, in the order they came."""
        mine = (self._process.started_ms, self._process.name)
        came = {(int(m.about.get("started", 0)), m.node): m.serves for m in members.values()}
        came[mine] = list(self._groups)
        return {
            group: [name for (_, name), serves in sorted(came.items()) if group in serves]
            for group in self._groups
        }

    async def _drain(self) -> None:
        """Take no share any more, and give back what is held as each tenant finishes."""
        await self._report("draining")
        await self._tell("draining")
        self._keeper.leave_all()
        while self._keeper.count:
            await self._pause(self._settings.heartbeat_seconds)
            self._renewal.alive()
            await self._report("draining")

    async def _pause(self, seconds: float) -> None:
        """Until the next round: when it is due, or at once when something changed."""
        await anyio.sleep(ROUND_SECONDS)
        with anyio.move_on_after(seconds):
            await self._wake.wait()
        self._wake = anyio.Event()

    async def _report(self, state: str) -> None:
        """Say how this process fares; hear whether it is asked to drain."""
        self._keeper.count_stuck()
        reports = msgspec.json.encode(self._keeper.reports()).decode()
        about = {
            "role": self._process.role, "host": socket.gethostname(), "pid": str(os.getpid()),
            "started": str(self._process.started_ms), "state": state,
            "serves": " ".join(self._groups), "leases": str(self._keeper.count),
            "reports": reports,
        }  # fmt: skip
        try:
            asked_to_drain = await self._roster.beat(self._process.name, about, LIFE_SECONDS)
        except Refused as error:
            if not self._is_mute:
                log.warning("node.mute", node=self._process.name, error=str(error))
            self._is_mute = True
            return
        self._is_mute = False
        if asked_to_drain and not self._shutdown.asked:
            log.info("node.drained", node=self._process.name)
            self._shutdown.ask()

    async def _listen(self, after: str) -> None:
        """Hear what others do, when they do it."""
        feed = await self._session.feed()
        subscription = feed.subscribe(self._session.changes_key(), after)
        while await subscription.take() is not None:
            self._wake.set()

    async def _heed(self) -> None:
        """A stop that is asked for begins the last round."""
        await self._shutdown.wait()
        self._wake.set()

    async def _tell(self, what: str, about: str = "") -> str:
        """Tell the others, who would else see it at their next heartbeat; the news' own id."""
        try:
            return await self._roster.announce(self._process.name, what, about)
        except Refused as error:
            log.debug("node.untold", what=what, error=str(error))
            return "0-0"

    async def _farewell(self) -> None:
        """Be listed no more; a Redis that refuses the news of it holds up no stop."""
        try:
            await self._roster.farewell(self._process.name)
        except Refused as error:
            log.debug("node.untold", what="left", error=str(error))

    async def _gave(self, lease: str) -> None:
        self._wake.set()
        await self._tell("gave", lease)

    def _lost(self, tokens: Mapping[str, str]) -> None:
        self._keeper.lost(tokens)
