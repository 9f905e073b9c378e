"""One generation as this process serves it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from engine.core.generations import LIVE
from engine.core.ports import Feed
from engine.core.projection import Projection
from engine.runtime.pace import Pace


@dataclass(slots=True)
class Build:
    """One generation: what makes it, where its events come from, and how fast it may go.

    ``digest`` is that of the code. ``is_kept`` tells whether the generation is still one of
    those there are: whoever has just acquired a lease asks, since what is over must not be
    written to again. ``stage`` is what it is by now, and changes at a flip.
    """

    projection: Projection[Any]
    digest: str
    feed: Feed
    pace: Pace
    is_kept: Callable[[], Awaitable[bool]]
    stage: str = LIVE
