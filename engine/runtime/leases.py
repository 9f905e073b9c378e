"""Keeping leases: acquire what is free, serve it, renew it, give it back.

A `Keeper` is told what could be owned and how to serve each thing once it is. It never
waits for a lease: what somebody else holds is asked for again at the next heartbeat. All
leases are asked for, and renewed, in one round trip.

How a tenancy ends says what follows: see `_ENDINGS`. Whatever a tenant raises ends its own
tenancy, never its neighbours'; only a session that broke ends them all.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import anyio

from engine.core.errors import Fenced, Lost, Refused, Torn
from engine.core.ports import Leases
from engine.runtime.shutdown import Shutdown
from engine.telemetry import log

_TOKEN_BYTES = 16
"""Random bytes of a token: no two acquisitions ever have the same."""


class Tenant(Protocol):
    """Something that is served under a lease."""

    async def serve(self, token: str) -> None:
        """Serve until stopped; raises `Fenced`, `Torn` or `Refused`."""

    def stop(self) -> None:
        """Finish what is in hand, then let `serve` return."""


class _Ending(NamedTuple):
    """What follows when a tenancy ended: what is logged, how long it rests, in seconds."""

    event: str
    rest: float


_ENDINGS: dict[type[Exception], _Ending] = {
    # Somebody else owns it now: it is theirs until they give it back.
    Fenced: _Ending("lease.lost", 0.0),
    # Redis is full or read-only: that passes.
    Refused: _Ending("lease.suspended", 1.0),
    # What Redis holds contradicts itself, or our own code failed: an operator must look.
    Torn: _Ending("partition.stopped", 30.0),
    Exception: _Ending("partition.stopped", 5.0),
}


class _Held:
    """A lease while it is ours: its token, whom it serves, and how to end that at once."""

    def __init__(self, token: str, tenant: Tenant) -> None:
        self.token = token
        self.tenant = tenant
        self.scope = anyio.CancelScope()


class Keeper:
    """The leases that one process holds on one session."""

    def __init__(self, leases: Leases, node: str, seconds: float, heartbeat: float) -> None:
        self._leases, self._node = leases, node
        self._seconds, self._heartbeat = seconds, heartbeat
        self._held: dict[str, _Held] = {}
        self._rest_until: dict[str, float] = {}

    @property
    def count(self) -> int:
        """How many leases are held."""
        return len(self._held)

    async def keep(
        self,
        wanted: Mapping[str, Callable[[], Tenant]],
        shutdown: Shutdown,
        ready: Callable[[], None],
    ) -> None:
        """Hold as much of ``wanted`` as is free, until a stop is asked for and all is given back.

        ``ready`` is called once everything has been asked for.
        """
        async with anyio.create_task_group() as tasks:
            while not shutdown.asked:
                for key, token in (await self._acquire(wanted)).items():
                    held = self._held[key] = _Held(token, wanted[key]())
                    tasks.start_soon(self._serve, key, held)
                ready()
                await shutdown.sleep(self._heartbeat)
                await self._renew()
            for held in self._held.values():
                held.tenant.stop()
            while self._held:
                await anyio.sleep(self._heartbeat / 10)
                await self._renew()

    async def _acquire(self, wanted: Mapping[str, Callable[[], Tenant]]) -> dict[str, str]:
        """Ask for everything that is not ours and need not rest; the tokens of what we got."""
        now = anyio.current_time()
        asked = {
            key: secrets.token_hex(_TOKEN_BYTES)
            for key in wanted
            if key not in self._held and now >= self._rest_until.get(key, 0)
        }
        got = await self._leases.acquire_all(asked, self._node, self._seconds)
        for key in got:
            log.debug("lease.acquired", lease=key)
        return {key: asked[key] for key in got}

    async def _renew(self) -> None:
        """Hold on to everything; what is not ours any more ends at once."""
        tokens = {key: held.token for key, held in self._held.items()}
        for key in await self._leases.renew_all(tokens, self._seconds):
            lost = self._held.get(key)
            if lost is not None and lost.token == tokens[key]:
                lost.scope.cancel()

    async def _serve(self, key: str, held: _Held) -> None:
        """One tenancy, from its beginning to what follows from its end."""
        end: Exception | None = Fenced("somebody else has it")
        with held.scope:
            end = await self._served(held)
        del self._held[key]
        if end is not None:
            self._settle(key, end)
        if not isinstance(end, Fenced):
            await self._release(key, held.token)

    async def _served(self, held: _Held) -> Exception | None:
        """What ended a tenancy, None where it was asked to; a broken session ends them all."""
        try:
            await held.tenant.serve(held.token)
        except Lost:
            raise
        except Exception as error:  # noqa: BLE001 -- the tenancy's boundary: reported, and tried again
            return error
        return None

    def _settle(self, key: str, end: Exception) -> None:
        """Say why a tenancy ended, and let it rest for as long as that takes."""
        kind = next(kind for kind in _ENDINGS if isinstance(end, kind))
        ending = _ENDINGS[kind]
        said = log.warning if kind is Fenced else log.error
        said(
            ending.event,
            lease=key,
            error=f"{type(end).__name__}: {end}",
            again_in_seconds=ending.rest,
            exc_info=end if kind is Exception else None,
        )
        self._rest_until[key] = anyio.current_time() + ending.rest

    async def _release(self, key: str, token: str) -> None:
        """Give a lease back; one that cannot be given back runs out by itself."""
        try:
            await self._leases.release(key, token)
        except Refused as error:
            log.warning("lease.kept", lease=key, error=str(error))
        else:
            log.debug("lease.released", lease=key)
