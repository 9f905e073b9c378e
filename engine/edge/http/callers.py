"""Who calls, what he may do, and how often: asked at the door of every route."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple, get_args

import anyio
from fastapi import Request

from engine.core.errors import Forbidden, TooMany, Unauthenticated
from engine.settings import Role

EVERYTHING = frozenset[Role](get_args(Role))

CALLERS_KEPT = 10_000
"""Callers whose rate is remembered; who has not called for longest is forgotten first."""


class Caller(NamedTuple):
    """Somebody who calls. Without a name nobody was asked for one."""

    name: str
    roles: frozenset[Role]


Authenticate = Callable[[Request], Awaitable[Caller]]
"""Says who calls; raises `Unauthenticated`."""


class Rates:
    """How much each caller has left of what he may ask: a bucket that fills by itself."""

    def __init__(self, rate: float | None, clock: Callable[[], float] = anyio.current_time) -> None:
        self._rate, self._clock = rate, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one request; raises `TooMany` where nothing is left for it."""
        if self._rate is None:
            return
        now, most = self._clock(), max(1.0, 2 * self._rate)
        left, since = self._left.pop(caller, (most, now))
        left = min(most, left + (now - since) * self._rate)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > CALLERS_KEPT:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany(
                f"{self._rate:g} requests a second are taken of one caller",
                seconds=(1 - left) / self._rate,
            )


class Doors:
    """What every route asks before it does anything."""

    def __init__(self, authenticate: Authenticate, rates: Rates) -> None:
        self._authenticate, self._rates = authenticate, rates

    def for_any(self, *roles: Role) -> Callable[[Request], Awaitable[None]]:
        """The door that lets in whoever has one of these roles; any caller where none is named."""

        async def enter(request: Request) -> None:
            address = request.client.host if request.client else ""
            try:
                caller = await self._authenticate(request)
            except Unauthenticated:
                self._rates.take(f"from {address}")
                raise
            self._rates.take(caller.name or f"from {address}")
            if roles and not caller.roles.intersection(roles):
                raise Forbidden(
                    f"{caller.name} has the roles {', '.join(sorted(caller.roles)) or 'none'}; "
                    f"this needs {' or '.join(roles)}"
                )
            request.state.caller = caller

        return enter


async def nobody_is_asked(_: Request) -> Caller:
    """Where no keys are set: everybody may do everything."""
    return Caller("", EVERYTHING)
