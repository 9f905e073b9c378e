"""Keeping leases: acquire what is free, serve it, renew it, give it back.

A `Keeper` is told what could be owned and how to serve each thing once it is. It never
waits for a lease: what somebody else holds is asked for again at the next heartbeat.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Protocol

import anyio

from engine.core.errors import Fenced, Refused, Torn
from engine.core.ports import Leases
from engine.runtime.shutdown import Shutdown
from engine.telemetry import log

_TOKEN_BYTES = 16
"""Random bytes of a token: no two acquisitions ever have the same."""

_REFUSED_REST_SECONDS = 1.0
"""What Redis refused to write, full or read-only as it may be, is tried again after this."""

_TORN_REST_SECONDS = 30.0
"""What contradicts itself is looked at again after this; an operator may have mended it."""


class Tenant(Protocol):
    """Something that is served under a lease."""

    async def serve(self, token: str) -> None:
        """Serve until stopped; raises `Fenced` or `Torn`."""

    def stop(self) -> None:
        """Finish what is in hand, then let `serve` return."""


class _Held:
    """A lease while it is ours: its token, whom it serves, and how to end that at once."""

    def __init__(self, token: str, tenant: Tenant) -> None:
        self.token = token
        self.tenant = tenant
        self.scope = anyio.CancelScope()
        self.lost = False


class Keeper:
    """The leases that one process holds on one session."""

    def __init__(self, leases: Leases, node: str, seconds: float, heartbeat: float) -> None:
        self._leases, self._node = leases, node
        self._seconds, self._heartbeat = seconds, heartbeat
        self._held: dict[str, _Held] = {}
        self._resting: dict[str, float] = {}

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
                for key, tenant in wanted.items():
                    if not self._is_ours_or_resting(key):
                        held = await self._acquire(key, tenant)
                        if held is not None:
                            tasks.start_soon(self._serve, key, held)
                ready()
                await shutdown.sleep(self._heartbeat)
                await self._renew()
            for held in self._held.values():
                held.tenant.stop()
            while self._held:
                await anyio.sleep(self._heartbeat / 10)
                await self._renew()

    def _is_ours_or_resting(self, key: str) -> bool:
        return key in self._held or anyio.current_time() < self._resting.get(key, 0)

    async def _acquire(self, key: str, tenant: Callable[[], Tenant]) -> _Held | None:
        token = secrets.token_hex(_TOKEN_BYTES)
        if not await self._leases.acquire(key, self._node, token, self._seconds):
            return None
        held = self._held[key] = _Held(token, tenant())
        log.debug("lease.acquired", lease=key)
        return held

    async def _serve(self, key: str, held: _Held) -> None:
        with held.scope:
            try:
                await held.tenant.serve(held.token)
            except Fenced as error:
                log.warning("lease.lost", lease=key, error=str(error))
                held.lost = True
            except Torn as error:
                log.error("partition.stopped", lease=key, error=str(error))
                self._resting[key] = anyio.current_time() + _TORN_REST_SECONDS
            except Refused as error:
                log.error(
                    "lease.suspended",
                    lease=key,
                    error=str(error),
                    again_in_seconds=_REFUSED_REST_SECONDS,
                )
                self._resting[key] = anyio.current_time() + _REFUSED_REST_SECONDS
        if not held.lost:
            await self._leases.release(key, held.token)
            log.debug("lease.released", lease=key)
        del self._held[key]

    async def _renew(self) -> None:
        for key, held in list(self._held.items()):
            if self._held.get(key) is not held or held.lost:
                continue
            if not await self._leases.renew(key, held.token, self._seconds) and key in self._held:
                log.warning("lease.lost", lease=key, error="somebody else has it")
                held.lost = True
                held.tenant.stop()
                held.scope.cancel()
