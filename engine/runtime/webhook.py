"""Telling a webhook: one message at a time, a few attempts each, and nobody waits for it.

A thread of its own does each attempt, since the standard library blocks: resolving a name may
take longer than a process that stops would wait, so it is one that nobody has to join. Where
messages come faster than they can be told, the last one about each thing counts, and there
are only so many things: nothing piles up.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import anyio
import anyio.from_thread
import anyio.lowlevel

from engine.core.alerting import About
from engine.telemetry import log

PAUSE_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""After each attempt but the last: a receiver that restarts is back by then."""

POST_SECONDS = 5.0
"""So long may each step of an attempt take, and the whole twice as long."""

THREAD_NAME = "semel-webhook"


class _NoRedirect(HTTPRedirectHandler):
    """Whoever sends us elsewhere has not taken the message: a POST would go on as a GET."""

    def redirect_request(self, *_: Any) -> None:
        """Do not follow."""


_open = build_opener(_NoRedirect).open


class Message(NamedTuple):
    """What is posted, what it is about, and whether it says that this is over."""

    about: About
    is_over: bool
    body: bytes


class Webhook:
    """One receiver; ``told`` hears what was delivered, or given up."""

    def __init__(self, url: str, told: Callable[[Message], None]) -> None:
        self._url, self._told = url, told
        self._waiting: dict[About, Message] = {}
        self._news = anyio.Event()
        self._ended = [""]
        """How the latest attempt has ended; empty while it has not."""

    def tell(self, message: Message) -> None:
        """Deliver a message some time, instead of what waits about the same."""
        self._waiting[message.about] = message
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled, one message after the other."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            while self._waiting:
                message = self._waiting.pop(next(iter(self._waiting)))
                await self._deliver(message)
                self._told(message)

    async def _deliver(self, message: Message) -> None:
        error = await self._attempt(message.body)
        for pause in PAUSE_SECONDS:
            if not error:
                return
            await anyio.sleep(pause)
            error = await self._attempt(message.body)
        if error:
            log.error(
                "alert.undelivered", about=str(message.about), webhook=shown(self._url),
                error=error, attempts=len(PAUSE_SECONDS) + 1,
            )  # fmt: skip

    async def _attempt(self, body: bytes) -> str:
        """Post a message; what went wrong, empty if nothing did."""
        if not self._ended:
            return "the attempt before this one has not come to its end"
        done, errors = anyio.Event(), list[str]()
        self._ended = errors
        token = anyio.lowlevel.current_token()

        def attempt() -> None:
            errors.append(_post(self._url, body))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                anyio.from_thread.run_sync(done.set, token=token)

        threading.Thread(target=attempt, name=THREAD_NAME, daemon=True).start()
        with anyio.move_on_after(2 * POST_SECONDS):
            await done.wait()
        return errors[0] if errors else f"no answer within {2 * POST_SECONDS:g} s"


def shown(url: str) -> str:
    """A webhook's address without its path, which often is its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}/…"


def _post(url: str, body: bytes) -> str:
    """Post JSON; what went wrong, empty if nothing did. Takes its time: not for the loop."""
    headers = {"Content-Type": "application/json", "User-Agent": "semel"}
    try:
        request = Request(url, body, headers)  # noqa: S310 -- the settings take http(s) only
        _open(request, timeout=POST_SECONDS).close()
    except HTTPError as error:
        with error:
            return f"it answered {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
