"""Waiting for a Redis that says no for now: full, busy, or without its replicas.

Such an answer is given before anything was run, so the same call may be sent again, on the
same connection, until it is taken. Nothing is lost meanwhile, and nothing piles up: nobody
reads on. (What else an error may mean: `engine.core.doubt`.)
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import anyio

from engine.core.errors import NotNow
from engine.runtime.progress import Progress
from engine.telemetry import log

PAUSE_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Before a call is sent again; the last one repeats."""

Reply = TypeVar("Reply")


class Patiently(Protocol):
    """`patiently`, for somebody's steps: given what is told how it goes, and when to stop."""

    def __call__(self, step: Callable[[], Awaitable[Reply]], /) -> Awaitable[Reply]:
        """Take a step, again and again while Redis does not run it."""


async def patiently(
    step: Callable[[], Awaitable[Reply]], progress: Progress, is_stopping: Callable[[], bool]
) -> Reply:
    """Take a step, again and again while Redis does not run it; says so, once.

    Raises `NotNow` where a stop is asked for meanwhile: what is not done then is done by the
    next owner.
    """
    attempts = 0
    while True:
        try:
            reply = await step()
        except NotNow as error:
            progress.trouble = str(error)
            if is_stopping():
                raise
            if attempts == 0:
                log.error("redis.refusing", error=str(error))
            await anyio.sleep(PAUSE_SECONDS[min(attempts, len(PAUSE_SECONDS) - 1)])
            attempts += 1
        else:
            if attempts:
                log.info("redis.accepting", attempts=attempts)
            return reply
