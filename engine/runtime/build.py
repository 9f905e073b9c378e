"""One generation as this process serves it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from engine.core.ports import Feed
from engine.core.projection import Projection
from engine.runtime.pace import Pace


class Build(NamedTuple):
    """One generation: what makes it, where its events come from, and how fast it may go.

    ``digest`` is that of the code. ``is_kept`` tells whether the generation is still one of
    those there are: whoever has just acquired a lease asks, since what is over must not be
    written to again.
    """

    projection: Projection[Any]
    digest: str
    feed: Feed
    pace: Pace
    is_kept: Callable[[], Awaitable[bool]]
