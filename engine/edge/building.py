"""What an operator does about the builds of a read model, while everything runs.

Each is a small loop: read what is said of generations, decide, write it by comparison. Who
comes second decides again, on what the first has written. Workers hear of it at once, and do
the work; what stands in Redis goes on without whoever asked for it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import anyio

from engine.core.errors import Conflict, NotFound
from engine.core.generations import LEVEL_SECONDS, MAX_LOAD, NONE, Generations, served_as
from engine.core.spelling import meant

if TYPE_CHECKING:
    from engine.app import RedisSession

ROLLBACK_SECONDS = 3.0
"""How long the previous generation may take to come to where the live one stood: both are kept up,
but not in one step."""

_AGAIN_SECONDS = 0.02
"""Between two looks whether it is: events come and are applied within milliseconds."""

Decide = Callable[[Generations], Generations]
"""What follows from what is said; the same again where nothing does. May raise."""


class Begun(NamedTuple):
    """A build that goes on; ``is_new`` where it was begun just now, and not by somebody before."""

    said: Generations
    is_new: bool


class Building:
    """The builds of one projection, as operators change them.

    ``lease_seconds`` is how long a process without a sign of life counts as there; ``known`` are
    projections that the caller has code of.
    """

    def __init__(
        self, session: "RedisSession", name: str, lease_seconds: float, known: Sequence[str] = ()
    ) -> None:
        self.session, self.name = session, name
        self._builds, self._lease_seconds, self._known = session.builds, lease_seconds, known

    async def found(self) -> Generations:
        """What is said of generations; raises `NotFound` where no worker has ever served any."""
        found = await self._builds.read(self.name)
        if found.digest:
            return found
        if self.name in self._known:
            raise NotFound(
                f"no worker has served {self.name} yet: the first one that does builds it from the "
                f"first event on (semel project)"
            )
        known = sorted({*self._known, *await self._builds.projections()})
        raise NotFound(
            f"there is no projection {self.name}, neither in the code here nor in Redis. "
            f"{meant(self.name, known)}There are: {', '.join(known) or 'none'}"
        )

    async def rebuild(
        self, digest: str, max_load: float | None = None, *, restart: bool = False
    ) -> Begun:
        """Begin to build anew by this code, or join the build that goes on by it.

        ``max_load`` is the share of the time it may take; of a build that goes on it is changed.
        ``restart`` gives that up first. Raises `Conflict` where other code is building.
        """
        now, is_new = await self.session.now_ms(), False

        def decide(found: Generations) -> Generations:
            nonlocal is_new
            is_new = found.building == NONE
            if is_new:
                return found.begun(digest, now, max_load or MAX_LOAD)
            if found.building_digest != digest:
                raise Conflict(
                    f"{served_as(self.name, found.building)} is being built by other code than is "
                    f"found here, since {(now - found.since_ms) / 1000:.0f} s: wait for it, or "
                    f"give it up (semel projection cancel {self.name}, or --restart)"
                )
            changes = max_load is not None and max_load != found.max_load
            return found.at_load(max_load) if changes and max_load else found

        if restart:
            await self._change("cancelled", lambda it: it.cancelled() if it.building else it)
        said = await self._change("rebuilding", decide)
        return Begun(said, is_new)

    async def cancel(self) -> int:
        """Give the build up; returns its number. It is gone when it is not removed any more."""
        said = await self._change("cancelled", lambda it: self._being_built(it).cancelled())
        return said.removing[-1]

    async def to_flip(self, *, accept_parked: bool) -> int:
        """The number of what is being built; it may go live although it passes over aggregates."""

        def decide(found: Generations) -> Generations:
            changes = accept_parked and not self._being_built(found).accepts_parked
            return found.accepting_parked() if changes else found

        return self._being_built(await self._change("accepted", decide)).building

    async def roll_back(self, *, force: bool = False) -> Generations:
        """Have queries read the previous generation again.

        Raises `Conflict` where that is behind or passes over aggregates, unless forced to.
        """
        began, stood = anyio.current_time(), await self._stands()
        while True:
            found = await self.found()
            if found.previous == NONE:
                raise NotFound(
                    f"no generation before {served_as(self.name, found.live)} is kept: build anew "
                    f"with the code of before (semel projection rebuild {self.name})"
                )
            new, waited = (
                found.rolled_back(await self.session.now_ms()),
                anyio.current_time() - began,
            )
            if force:
                done = await self._builds.revise(self.name, new)
            else:
                enough = stood if waited > LEVEL_SECONDS else ()
                done, behind, parked = await self._builds.flip(self.name, new, enough)
                if (behind or parked) and not done and waited > ROLLBACK_SECONDS:
                    raise Conflict(await self._why_not_back(found, parked))
            if done:
                await self._announce("flipped")
                return new
            await anyio.sleep(_AGAIN_SECONDS)

    async def adopt(self, digest: str, live: int) -> None:
        """Make the live generation this code's, with the rows it has."""

        def decide(found: Generations) -> Generations:
            if found.live != live:
                raise Conflict(f"{served_as(self.name, found.live)} has gone live meanwhile")
            return found if found.digest == digest else found.adopted(digest)

        await self._change("adopted", decide)

    async def pause(self) -> None:
        """Have nothing applied any more, of all generations."""
        await self._change("paused", lambda it: it if it.is_paused else it.paused())

    async def resume(self) -> None:
        """Have what was paused go on."""
        await self._change("resumed", lambda it: it.resumed() if it.is_paused else it)

    async def behind(self, generation: int, than: int) -> Sequence[int]:
        """In each partition, how many events a generation lacks that another has applied.

        Where history was lost the other may say that it is beyond head: nobody can reach that.
        """
        heads = await self._builds.heads()
        wanted = await self._builds.positions(self.name, than)
        reached = await self._builds.positions(self.name, generation)
        each = zip(reached, wanted, heads, strict=True)
        return [max(0, min(there, head) - here) for here, there, head in each]

    async def workers(self, serving: str) -> set[str]:
        """The workers that say they serve this: see `served_as`, `code_as` and `curated_as`."""
        members = await self.session.roster.members(self._lease_seconds)
        return {node for node, member in members.items() if serving in member.serves}

    async def owners(self, *generations: int) -> set[str]:
        """The workers that apply events to these generations, whatever they say."""
        keys = [
            self.session.projection_lease(self.name, generation, partition)
            for generation in generations
            for partition in range(self.session.partitions)
        ]
        return {lease.node for lease in (await self.session.leases.look(keys)).values()} - {""}

    async def _stands(self) -> Sequence[int]:
        """How far the live generation has come in each partition."""
        return await self._builds.positions(self.name, (await self.found()).live)

    async def _why_not_back(self, found: Generations, parked: int) -> str:
        previous, live = (served_as(self.name, it) for it in (found.previous, found.live))
        lacking = [events for events in await self.behind(found.previous, found.live) if events]
        said = []
        if lacking:
            who = len(await self.workers(previous))
            kept_up = f"{who} workers keep it up" if who else "no worker has the code that made it"
            said += [f"lacks {sum(lacking)} events in {len(lacking)} partitions ({kept_up})"]
        if parked:
            listed = f"semel dead list {self.name} --generation {found.previous}"
            said += [f"passes over {parked} aggregates ({listed})"]
        return (
            f"{previous} {' and '.join(said) or 'is behind'}: {live} stays live. --force has "
            f"queries read it anyway"
        )

    def _being_built(self, found: Generations) -> Generations:
        if found.building == NONE:
            raise NotFound(f"no generation of {self.name} is being built")
        return found

    async def _change(self, what: str, decide: Decide) -> Generations:
        """Write what follows from what is said, and tell everybody; returns what is said since."""
        while True:
            found = await self.found()
            new = decide(found)
            if new is found:
                return found
            if await self._builds.revise(self.name, new):
                await self._announce(what)
                return new

    async def _announce(self, what: str) -> None:
        await self.session.roster.announce("operator", what, self.name)
