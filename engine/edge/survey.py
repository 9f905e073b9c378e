"""A namespace as it stands: who is there, who owns what, what moves and what waits.

Everything is read from Redis, and nothing is remembered: asked twice, it looks twice.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from engine.core.errors import Refused
from engine.core.generations import curated_as
from engine.core.ids import stream_ms
from engine.core.liveness import Condition, State, heard, judge, silent_after
from engine.core.reacting import reacting_as
from engine.core.records import LeaseState, Member, Report

if TYPE_CHECKING:
    from engine.app import RedisSession

SILENT = "silent"
"""The state of a process that is listed and gives no sign of life."""

STUCK = "stuck"
"""The state of one that keeps its leases and says nothing: its event loop stands still."""

_CURATOR = curated_as("")
"""Who serves a projection shares the lease of its curator too."""

_REACTION = reacting_as("")
"""What those who serve a router say."""

LISTED_SECONDS = 60.0
"""A process that fell silent without a word is listed for so long."""

OVERDUE_SECONDS = 5.0
"""A takeover, and all that waited for it to fire, take less."""


class Partition(msgspec.Struct):
    """One partition; ``waits`` is the age of the oldest command that waits, in seconds.

    ``deferred`` counts commands that were read, and wait to be decided.
    """

    partition: int
    state: State
    why: str
    owner: str
    owned_seconds: float
    crashes: int
    commit: int
    position: int
    waiting: int
    waits: float
    deferred: int = 0


class Node(msgspec.Struct):
    """One process, as it says itself; ``silent_seconds`` since its last sign of life."""

    node: str
    role: str
    state: str
    host: str
    pid: str
    leases: int
    started_ms: int
    silent_seconds: float


class TimersStand(msgspec.Struct):
    """All timers that have not fired; the first has been due for ``overdue_seconds``."""

    waiting: int
    due: int
    overdue_seconds: float

    @property
    def are_overdue(self) -> bool:
        """Whether they do not fire: nobody serves their partitions, or Redis is full."""
        return self.overdue_seconds > OVERDUE_SECONDS


class Survey:
    """One look at a namespace, on one session, where leases last for ``lease_seconds``."""

    def __init__(self, session: "RedisSession", lease_seconds: float) -> None:
        self._session = session
        self._silent_seconds = silent_after(lease_seconds)
        self.reports: Mapping[str, Report] = {}
        """What processes say of what they serve; ask for the nodes first."""
        self.projections: set[str] = set()
        """The projections that they serve: what is known without the project's code."""
        self.reactions: set[str] = set()
        """The routers likewise."""

    async def nodes(self) -> list[Node]:
        """Every process that is there, or was a moment ago."""
        members = await self._session.roster.members(LISTED_SECONDS)
        self.reports = heard(members.values(), self._silent_seconds)
        living = [member for member in members.values() if not self._is_silent(member)]
        self.projections = {
            group.removeprefix(_CURATOR)
            for member in living
            for group in member.serves
            if group.startswith(_CURATOR)
        }
        served = {group for member in living for group in member.serves}
        self.reactions = {
            group.removeprefix(_REACTION) for group in served if group.startswith(_REACTION)
        }
        return [self._node(member) for member in members.values()]

    async def partitions(self) -> "list[Partition]":
        """Every partition; ask for the nodes first, who say how each fares."""
        session = self._session
        keys = [session.partition_lease(number) for number in range(session.partitions)]
        leases = await session.leases.look(keys)
        now = await session.inspection.now_ms()
        return [
            await self._partition(number, leases[key], self.reports.get(key), now)
            for number, key in enumerate(keys)
        ]

    async def timers(self) -> TimersStand:
        """All timers, whether somebody serves their partitions or not."""
        session = self._session
        counts, now = await session.timers.counts(session.partitions), await session.now_ms()
        first = min((each.first_ms for each in counts if each.first_ms is not None), default=now)
        left, due = sum(each.left for each in counts), sum(each.due for each in counts)
        return TimersStand(left, due, max(0.0, (now - first) / 1000))

    async def inbox_owner(self) -> str:
        """Who moves the inbox's entries."""
        return await self._owner(self._session.inbox_lease())

    async def watcher(self) -> str:
        """Who watches projections, and tells what is wrong."""
        return await self._owner(self._session.watch_lease())

    async def _owner(self, key: str) -> str:
        return (await self._session.leases.look([key]))[key].node

    async def _partition(
        self, number: int, lease: LeaseState, report: Report | None, now_ms: int
    ) -> Partition:
        try:
            found = await self._session.inspection.partition(number)
        except Refused as error:
            why = f"it cannot be read: {error}"
            return Partition(number, State.BLOCKED, why, "", 0.0, 0, 0, 0, 0, 0.0)
        waits = max(0.0, (now_ms - stream_ms(found.oldest)) / 1000) if found.oldest else 0.0
        said, owner = judge(lease.node, found.waiting, waits, report), lease.node
        if owner and not lease.token:
            said, owner = Condition(State.BLOCKED, f"its lease cannot be read: {owner}"), ""
        owned = (now_ms - lease.since_ms) / 1000 if owner else 0.0
        return Partition(
            number, said.state, said.why, owner, round(owned, 1), lease.crashes,
            found.commit, found.position, found.waiting, round(waits, 1), found.deferred,
        )  # fmt: skip

    def _node(self, member: Member) -> Node:
        about, state = member.about, member.about.get("state", SILENT)
        is_silent = self._is_silent(member)
        if is_silent:
            state = SILENT
        elif member.said_ms / 1000 > self._silent_seconds:
            state = STUCK
        return Node(
            member.node, about.get("role", "-"), state, about.get("host", "-"),
            about.get("pid", "-"), 0 if is_silent else int(about.get("leases", 0)),
            int(about.get("started", 0)), round(member.silent_ms / 1000, 1),
        )  # fmt: skip

    def _is_silent(self, member: Member) -> bool:
        """Whether a process gives no sign of life: dead, frozen, or cut off."""
        return member.silent_ms / 1000 > self._silent_seconds
