"""A clock that a test winds by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine.testing.deciding import NOON


class WoundClock:
    """The time of an engine in memory: `NOON`, until it is wound on."""

    def __init__(self) -> None:
        self._now = NOON
        self._follow: list[Callable[[], None]] = []

    def __call__(self) -> float:
        """Seconds since 1970, as the store in memory asks for them."""
        return self._now.timestamp()

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self._now.astimezone(UTC)

    def advance(self, by: timedelta | float) -> None:
        """Wind it on, by seconds unless told otherwise; `Semel.settled` waits for what is due."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < timedelta():
            raise ValueError(f"time does not go back: {step}")
        self._now += step
        for look in self._follow:
            look()

    def tell(self, look: Callable[[], None]) -> None:
        """Have somebody look again whenever it has been wound."""
        self._follow.append(look)
