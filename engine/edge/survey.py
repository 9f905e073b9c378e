"""A namespace as it stands: who is there, who owns what, what moves and what waits.

Everything is read from Redis, and nothing is remembered: asked twice, it looks twice.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.core.codec import read_event_meta
from engine.core.errors import Refused
from engine.core.ids import stream_ms
from engine.core.liveness import Condition, State, judge
from engine.core.records import LeaseState, Member, Report

if TYPE_CHECKING:
    from engine.app import RedisSession

SILENT_SECONDS = 2.0
"""A process that gave no sign of life for so long is not counted on any more; nor, where
leases are longer, for as long as one lasts: signs of life come as they are renewed."""

SILENT = "silent"
"""The state of a process that is listed and gives no sign of life."""

STUCK = "stuck"
"""The state of one that keeps its leases and says nothing: its event loop stands still."""

LISTED_SECONDS = 60.0
"""A process that fell silent without a word is listed for so long."""


class Partition(msgspec.Struct):
    """One partition; ``waits`` is the age of the oldest command that waits, in seconds."""

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


class Projection(msgspec.Struct):
    """One projection over all partitions; ``lag`` counts events, ``states`` partitions.

    ``parked`` counts aggregates that it passes over.
    """

    name: str
    generation: int
    lag: int
    owned: int
    workers: list[str]
    states: dict[str, int]
    troubles: list[str]
    parked: int


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


class Survey:
    """One look at a namespace, on one session, where leases last for ``lease_seconds``."""

    def __init__(self, session: "RedisSession", lease_seconds: float) -> None:
        self._session = session
        self._silent_seconds = max(SILENT_SECONDS, lease_seconds)
        self._reports: dict[str, Report] = {}

    async def nodes(self) -> list[Node]:
        """Every process that is there, or was a moment ago."""
        members = await self._session.roster.members(LISTED_SECONDS)
        for member in members.values():
            self._hear(member)
        return [self._node(member) for member in members.values()]

    async def partitions(self) -> "list[Partition]":
        """Every partition; ask for the nodes first, who say how each fares."""
        session = self._session
        keys = [session.partition_lease(number) for number in range(session.partitions)]
        leases = await session.leases.look(keys)
        now = await session.inspection.now_ms()
        return [
            await self._partition(number, leases[key], self._reports.get(key), now)
            for number, key in enumerate(keys)
        ]

    async def inbox_owner(self) -> str:
        """Who moves the inbox's entries."""
        key = self._session.inbox_lease()
        return (await self._session.leases.look([key]))[key].node

    async def projection(self, name: str, partitions: Sequence[Partition]) -> Projection:
        """One projection, over partitions that were looked at before."""
        session = self._session
        generation = await session.rows.live(name)
        keys = [session.projection_lease(name, generation, p.partition) for p in partitions]
        leases = await session.leases.look(keys)
        owners, states, troubles, lag = Counter[str](), Counter[str](), dict[str, None](), 0
        for partition, key in zip(partitions, keys, strict=True):
            owner = leases[key].node
            try:
                applied = await session.checkpoints.applied(name, generation, partition.partition)
                behind = max(0, partition.position - applied.position)
                waits = await self._age(partition.partition, applied.position) if behind else 0.0
                said = judge(owner, behind, waits, self._reports.get(key))
            except Refused as error:
                behind, said = 0, Condition(State.BLOCKED, f"it cannot be read: {error}")
            lag += behind
            owners[owner] += bool(owner)
            states[said.state] += 1
            if said.why:
                troubles[f"partition {partition.partition}: {said.why}"] = None
        parked = await session.parked.counts(name, generation, [p.partition for p in partitions])
        workers = sorted(owner for owner in owners if owner)
        return Projection(
            name, generation, lag, owners.total(), workers, dict(states), list(troubles),
            sum(parked),
        )  # fmt: skip

    async def _age(self, partition: int, applied: int) -> float:
        """How long the first event that was not applied has been there."""
        event = await self._session.inspection.log(partition, applied, 1)
        if not event:
            return 0.0
        now = await self._session.inspection.now_ms()
        return max(0.0, (now - stream_ms(read_event_meta(event[0].meta).entry)) / 1000)

    def _hear(self, member: Member) -> None:
        """Keep what a process says of its tenants, as old as it is by now."""
        if self._is_silent(member):
            return
        age = member.said_ms / 1000
        said = member.about.get("reports")
        for key, report in msgspec.json.decode(said or b"{}", type=dict[str, Report]).items():
            aged = msgspec.structs.replace(
                report,
                moved=None if report.moved is None else report.moved + age,
                busy=None if report.busy is None else report.busy + age,
            )
            other = self._reports.get(key)
            if other is None or report.held:
                self._reports[key] = aged

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
            found.commit, found.position, found.waiting, round(waits, 1),
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
