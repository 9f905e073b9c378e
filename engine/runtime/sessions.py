"""Where the rule of doubt ends: work on a session, and begin anew when it broke.

Whatever ends a session (a lost connection, a server that is another) throws away all that
was known on it. Nothing is carried over into the next one but the wish to work.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import anyio

from engine.core.errors import Doubt, NotFound, Unavailable, single
from engine.core.ports import Session
from engine.runtime.shutdown import Shutdown
from engine.telemetry import log

_PAUSE_FIRST = 0.05
_PAUSE_LIMIT = 2.0
"""Seconds between attempts to reach Redis: doubled from the first to the limit, with jitter."""

_STEADY_SECONDS = 1.0
"""A session that ended sooner never served: what ended it ends the next one too, and without
a growing pause sessions would follow each other as fast as Redis can refuse them."""

OpenSession = Callable[[], AbstractAsyncContextManager[Session]]


async def work_on_sessions(
    open_session: OpenSession,
    work: Callable[[Session], Awaitable[None]],
    shutdown: Shutdown,
    patience: float,
) -> None:
    """Run ``work`` on one session after the other until it returns or a stop is asked for.

    The first session must be had within ``patience`` seconds: raises `Unavailable` else, or
    the doubt that ended it before it had begun. Later ones are waited for without end: a Redis
    that went away comes back.
    """
    deadline = anyio.current_time() + patience
    pause = _PAUSE_FIRST
    reached = False
    while not shutdown.asked:
        began = anyio.current_time()
        doubt: BaseException | None = None
        try:
            async with open_session() as session:
                reached = True
                await work(session)
                return
        except (Unavailable, NotFound) as error:
            if not reached and (isinstance(error, NotFound) or anyio.current_time() >= deadline):
                raise
            log.warning("redis.waiting", error=str(error), again_in_seconds=round(pause, 2))
        except (BaseExceptionGroup, Doubt) as errors:
            doubt = only_doubt(errors) if isinstance(errors, BaseExceptionGroup) else errors
            if not reached and anyio.current_time() >= deadline:
                raise doubt from errors
            if anyio.current_time() - began >= _STEADY_SECONDS:
                pause = _PAUSE_FIRST
            log.warning("session.broken", error=str(doubt))
        await shutdown.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter
        pause = min(pause * 2, _PAUSE_LIMIT)


def only_doubt(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first doubt in a group of nothing but doubts; raises whatever else is in it."""
    _, rest = errors.split((Doubt, Unavailable))
    if rest is not None:
        raise single(rest)
    return single(errors)
