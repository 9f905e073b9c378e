"""Who owns what, and who is there."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.records import LeaseState, Member


class Leases(Protocol):
    """Acquire, renew and give back leases; each is named by its key."""

    async def acquire(self, key: str, node: str, token: str, seconds: float) -> bool:
        """Take a lease that is free or expired; False when somebody else holds it."""

    async def acquire_all(
        self, tokens: Mapping[str, str], node: str, seconds: float
    ) -> Sequence[str]:
        """Take leases, each under its token, in one round trip; returns those that we got."""

    async def renew(self, key: str, token: str, seconds: float) -> bool:
        """Hold on to a lease; False when it is not ours any more."""

    async def release(self, key: str, token: str) -> None:
        """Give a lease back, if it is still ours."""

    async def look(self, keys: Sequence[str]) -> Mapping[str, LeaseState]:
        """Who holds each lease, in one round trip."""


class Lifeline(Protocol):
    """Keeps leases alive from a thread: its calls block, and share nothing with a session."""

    def renew(self, tokens: Mapping[str, str]) -> Sequence[str]:
        """Hold on to leases, and say that this process lives; returns those no longer ours.

        Raises `Lost` when the server did not answer; the next call tries anew.
        """

    def close(self) -> None:
        """Hang up."""


class Roster(Protocol):
    """Who is there: the processes of a namespace."""

    async def beat(self, node: str, about: Mapping[str, str], seconds: float) -> bool:
        """Say how this process fares, for so long; answers whether it is asked to drain."""

    async def members(self, seconds: float) -> Mapping[str, Member]:
        """Every process that gave a sign of life in the last ``seconds``, by its name."""

    async def announce(self, node: str, what: str, about: str = "") -> str:
        """Tell all processes at once of what they would else see later; the news' own id."""

    async def ask_to_drain(self, node: str) -> None:
        """Have a process finish what it has in hand, give everything back and end."""

    async def farewell(self, node: str) -> None:
        """Say that this process ends."""
