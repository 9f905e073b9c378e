"""How often, and for how long, an undecided command is tried again."""

from dataclasses import dataclass, replace
from typing import Self

_DOUBLINGS = 16
"""Beyond these the pause has reached any limit that can be set."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Limits for one type of command; what is None is as the settings have it.

    A command is tried up to ``attempts`` times, and for ``seconds`` since it was deferred;
    ``decide_seconds`` is how long one attempt may take, where its decider is ``async``.
    """

    attempts: int | None = None
    seconds: float | None = None
    decide_seconds: float | None = None

    def over(self, other: Self) -> Self:
        """The same, with what ``other`` says where this says nothing."""
        mine = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **mine)

    def is_spent(self, tries: int, seconds: float) -> bool:
        """Whether so many attempts, over so many seconds, were enough."""
        return (self.attempts is not None and tries >= self.attempts) or (
            self.seconds is not None and seconds >= self.seconds
        )


def pause(tries: int, first: float, limit: float, luck: float) -> float:
    """Seconds before the next attempt: twice as many each time, up to a limit.

    ``luck``, from 0 to 1, takes up to half of it off: what failed together is not tried
    again together.
    """
    return min(limit, float(first * 2 ** min(tries - 1, _DOUBLINGS))) * (1 - luck / 2)
