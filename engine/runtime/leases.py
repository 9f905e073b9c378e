"""Keeping leases: hold a fair share of what there is, serve it, give it back.

A `Keeper` is told what could be owned and how to serve each thing once it is. At every
heartbeat, and whenever something changes, it looks who is there and who owns what, works
out its share (`engine.core.balance`), gives up what is too much and asks for what is free.
It never waits for a lease, and waits for nobody's permission.

Handing over is cooperative: the giver finishes the batch in hand, commits it, gives the
lease back and says so; whoever is next hears that at once, and asks.

How a tenancy ends says what follows: see `engine.core.doubt`. Whatever a tenant raises ends
its own tenancy, never its neighbours'; only a session that broke ends them all.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from engine.core.balance import NOBODY, plan
from engine.core.doubt import ending_of
from engine.core.errors import Fenced, Lost, Refused, SemelError
from engine.core.ports import Leases
from engine.core.records import LeaseState, Report
from engine.runtime.progress import Progress
from engine.runtime.renewal import Renewal
from engine.telemetry import log, metrics

_TOKEN_BYTES = 16
"""Random bytes of a token: no two acquisitions ever have the same."""


class Tenant(Protocol):
    """Something that is served under a lease."""

    kind: str
    """What sort of thing it is, as metrics have it."""
    progress: Progress

    async def serve(self, token: str) -> None:
        """Serve until stopped; raises what `engine.core.doubt` knows the ending of."""

    def stop(self) -> None:
        """Finish what is in hand, then let `serve` return."""


Group = Mapping[str, Callable[[], Tenant]]
"""Leases that are alike, by their keys, and what serves each."""


class _Held:
    """A lease while it is ours: its token, whom it serves, and how to end that at once."""

    def __init__(self, token: str, tenant: Tenant) -> None:
        self.token = token
        self.tenant = tenant
        self.scope = anyio.CancelScope()
        self.is_leaving = False


class _Rest:
    """A lease that we do not ask for: until when, and what ended the last tenancy."""

    def __init__(self, until: float, why: str) -> None:
        self.until = until
        self.why = why


class Keeper:
    """The leases that one process holds on one session.

    ``gave`` is told of each lease that is not held any more.
    """

    def __init__(  # noqa: PLR0913 -- one process in all its aspects
        self,
        leases: Leases,
        node: str,
        seconds: float,
        renewal: Renewal,
        tasks: TaskGroup,
        gave: Callable[[str], Awaitable[None]],
    ) -> None:
        self._leases, self._node, self._seconds = leases, node, seconds
        self._renewal, self._tasks, self._gave = renewal, tasks, gave
        self._held: dict[str, _Held] = {}
        self._rests: dict[str, _Rest] = {}

    @property
    def count(self) -> int:
        """How many leases are held."""
        return len(self._held)

    def reports(self) -> dict[str, Report]:
        """How each tenant fares, and what those were ended by that rest."""
        now = anyio.current_time()
        stopped = {
            key: Report(None, None, rest.why, held=False)
            for key, rest in self._rests.items()
            if now < rest.until
        }
        return stopped | {key: held.tenant.progress.report() for key, held in self._held.items()}

    def count_stuck(self) -> None:
        """Say of each kind how long the worst tenant has had work and got nothing done."""
        worst: dict[str, float] = {}
        for held in self._held.values():
            kind, busy = held.tenant.kind, held.tenant.progress.report().busy or 0.0
            worst[kind] = max(worst.get(kind, 0.0), busy)
        for kind, seconds in worst.items():
            metrics.STUCK.labels(kind).set(seconds)

    async def settle(
        self, groups: Mapping[str, Group], serving: Mapping[str, Sequence[str]]
    ) -> float:
        """One round: give up what is too much, take what is free and our share.

        ``groups`` are what can be owned now, by name; what is in none of them is given up.
        ``serving`` lists the processes that share each. Returns in how many seconds
        there is something to take: when the next of others' leases runs out, if nobody renews
        it, or the next of our own has rested.
        """
        began, mine_or_free = anyio.current_time(), (NOBODY, self._node)
        makers = {key: make for group in groups.values() for key, make in group.items()}
        state = await self._leases.look(list(makers))
        for key in self._held.keys() - makers:
            self._leave(key)
        leaving = {key for key, held in self._held.items() if held.is_leaving}
        wanted: list[str] = []
        for name, group in groups.items():
            owners = {key: self._owner(key, state) for key in group}
            share = plan(self._node, serving[name], owners, leaving)
            for key in share.give:
                self._leave(key)
            wanted += [key for key in share.take if self._may_take(key)]
        for key, token in (await self._acquire(wanted)).items():
            held = self._held[key] = _Held(token, makers[key]())
            metrics.LEASES_ACQUIRED.labels(held.tenant.kind).inc()
            self._renewal.hold(key, token)
            self._tasks.start_soon(self._serve, key, held)
        others = [s.remaining_ms / 1000 for s in state.values() if s.node not in mine_or_free]
        rested = [rest.until - began for rest in self._rests.values() if rest.until > began]
        return min(others + rested, default=60.0)

    def leave_all(self) -> None:
        """Have every tenant finish what is in hand and go."""
        for key in list(self._held):
            self._leave(key)

    def lost(self, tokens: Mapping[str, str]) -> None:
        """End at once what is served under tokens that are not ours any more."""
        for key, token in tokens.items():
            held = self._held.get(key)
            if held is not None and held.token == token:
                held.scope.cancel()

    def _owner(self, key: str, state: Mapping[str, LeaseState]) -> str:
        """Who owns a lease, as we see it: what we serve is ours, whatever Redis says of it."""
        if key in self._held:
            return self._node
        owner = state[key].node
        return NOBODY if owner == self._node else owner

    def _may_take(self, key: str) -> bool:
        rest = self._rests.get(key)
        return key not in self._held and (rest is None or anyio.current_time() >= rest.until)

    def _leave(self, key: str) -> None:
        held = self._held[key]
        if not held.is_leaving:
            held.is_leaving = True
            held.tenant.stop()

    async def _acquire(self, keys: list[str]) -> dict[str, str]:
        """Ask for leases, each with a token of its own; the tokens of what we got."""
        tokens = {key: secrets.token_hex(_TOKEN_BYTES) for key in keys}
        got = await self._leases.acquire_all(tokens, self._node, self._seconds)
        for key in got:
            self._rests.pop(key, None)
            log.debug("lease.acquired", lease=key)
        return {key: tokens[key] for key in got}

    async def _serve(self, key: str, held: _Held) -> None:
        """One tenancy, from its beginning to what follows from its end."""
        end: Exception | None = Fenced("somebody else has it")
        try:
            with metrics.LEASES_HELD.labels(held.tenant.kind).track_inprogress(), held.scope:
                end = await self._served(held)
        finally:
            self._renewal.drop(key)
            # Of the last of its kind nobody would say any more that it is not stuck.
            metrics.STUCK.labels(held.tenant.kind).set(0)
        if end is not None:
            metrics.LEASES_LOST.labels(held.tenant.kind, type(end).__name__).inc()
            self._settle_end(key, end)
        if not isinstance(end, Fenced):
            await self._release(key, held.token)
        # Not before: who drains ends when nothing is held, and must not leave a lease behind.
        del self._held[key]
        await self._gave(key)

    async def _served(self, held: _Held) -> Exception | None:
        """What ended a tenancy, None where it was asked to; a broken session ends them all."""
        try:
            await held.tenant.serve(held.token)
        except Lost:
            raise
        except Exception as error:  # noqa: BLE001 -- the tenancy's boundary: reported, and tried again
            return error
        return None

    def _settle_end(self, key: str, end: Exception) -> None:
        """Say why a tenancy ended, and let it rest for as long as that takes."""
        ending, said = ending_of(end), f"{type(end).__name__}: {end}"
        tell = log.warning if isinstance(end, Fenced) else log.error
        unforeseen = not isinstance(end, SemelError)
        tell(
            ending.event, lease=key, error=said, again_in_seconds=ending.rest,
            exc_info=end if unforeseen else None,
        )  # fmt: skip
        if ending.rest:
            self._rests[key] = _Rest(anyio.current_time() + ending.rest, said)

    async def _release(self, key: str, token: str) -> None:
        """Give a lease back; one that cannot be given back runs out by itself."""
        try:
            await self._leases.release(key, token)
        except Refused as error:
            log.warning("lease.kept", lease=key, error=str(error))
        else:
            log.debug("lease.released", lease=key)
