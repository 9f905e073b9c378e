"""Snapshots as an owner writes them: behind its commits, of actors that are due.

They save time and keep nothing true. So a state that cannot be kept is left, and a Redis that does
not take one now is not asked again before the next is due.
"""

from collections.abc import Iterator

from engine.core.errors import Refused
from engine.core.ports import Snapshots
from engine.core.records import Keeping
from engine.core.registry import Domain
from engine.core.snapshots import Unkept
from engine.runtime.faults import said
from engine.runtime.reviving import Reviving
from engine.runtime.warm import NEVER, Actor, WarmActors
from engine.telemetry import log
from engine.telemetry.actors import SNAPSHOTS

_WRITE_BYTES = 1024 * 1024
"""More are written by several scripts: Redis does nothing else meanwhile."""


class SnapshotWriter:
    """Keeps the states of one partition's actors; ``due`` names those to look at."""

    def __init__(
        self, snapshots: Snapshots | None, domain: Domain, actors: WarmActors, reviving: Reviving
    ) -> None:
        self._snapshots, self._states = snapshots, domain.states
        self._actors, self._reviving = actors, reviving
        self.due: dict[str, None] = {}

    async def write(self) -> None:
        """Keep what is due, while no actor is ahead of its events; raises `Fenced`."""
        if self._snapshots is None or not self.due:
            return
        keepings = list(self._keepings())
        self.due.clear()
        while keepings:
            batch, size = list[Keeping](), 0
            while keepings and size < _WRITE_BYTES:
                batch.append(keepings.pop())
                size += len(batch[-1].text)
            try:
                kept = await self._snapshots.keep(batch)
            except Refused as error:
                log.warning("snapshots.refused", count=len(batch), error=str(error))
                SNAPSHOTS.labels("refused").inc(len(batch))
            else:
                SNAPSHOTS.labels("kept").inc(kept)
                SNAPSHOTS.labels("ahead").inc(len(batch) - kept)

    def _keepings(self) -> Iterator[Keeping]:
        for aggregate in self.due:
            actor = self._actors.get(aggregate)
            if actor is None or not actor.entry or actor.version < actor.due_at:
                continue
            text = self._text(actor)
            if text:
                actor.due_at = self._reviving.due_after(actor, len(text))
                yield Keeping(aggregate, actor.version, text)

    def _text(self, actor: Actor) -> bytes:
        """A snapshot; empty where its state cannot be kept."""
        states = self._states[actor.decider.kind]
        is_told = bool(states.fault)
        try:
            return states.written(actor.state, actor.version, actor.entry)
        except Unkept as why:
            actor.due_at = NEVER if why.is_for_good else actor.version * 2
            if why.is_for_good and not is_told:
                tell_unkept(actor.decider.kind, str(why))
        except Exception as error:  # noqa: BLE001 -- the actor's boundary: its state's own code
            actor.due_at = NEVER
            tell_unkept(actor.decider.kind, said(error))
        SNAPSHOTS.labels("unkept").inc()
        return b""


def tell_unkept(kind: str, why: str) -> None:
    """Say of which aggregates no snapshots are made: their events are folded from the first on."""
    log.warning("snapshots.unkept", kind=kind, error=why)
