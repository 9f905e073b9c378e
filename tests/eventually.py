"""Waiting in tests: for a thing to be true, never for a time to pass."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from threading import Event
from time import monotonic
from typing import Any, TypeVar, overload

import anyio

_PAUSE_SECONDS = 0.01

Seen = TypeVar("Seen")


@overload
async def eventually(
    check: Callable[[], Awaitable[Seen]], what: str, seconds: float = 5
) -> Seen: ...


@overload
async def eventually(check: Callable[[], Seen], what: str, seconds: float = 5) -> Seen: ...


async def eventually(check: Callable[[], Any], what: str, seconds: float = 5) -> Any:
    """Wait until ``check()`` is truthy and return that; fail naming ``what`` if it never was.

    ``check`` may be a coroutine function. What it raises is the test's failure at once:
    "not yet" is an answer, not an error.
    """
    seen: Any = None
    with anyio.move_on_after(seconds):
        while True:
            answer = check()
            seen = await answer if isawaitable(answer) else answer
            if seen:
                return seen
            await anyio.sleep(_PAUSE_SECONDS)
    raise AssertionError(f"never within {seconds:g} s: {what} (last seen: {seen!r})")


def at_last(check: Callable[[], Seen], what: str, seconds: float = 10) -> Seen:
    """The same where no event loop runs: for what other processes do."""
    deadline, pause = monotonic() + seconds, Event()
    while True:
        seen = check()
        if seen:
            return seen
        if monotonic() > deadline:
            raise AssertionError(f"never within {seconds:g} s: {what} (last seen: {seen!r})")
        pause.wait(_PAUSE_SECONDS)
