"""Live views: server-sent events, one for each other answer.

An event's ``id`` is the token of its update: a browser that connects again says it as
``Last-Event-ID``, and goes on from there. Nobody is told faster than he takes: a reader that lags
skips answers, and one that takes nothing is cut (`engine.edge.http.connections`).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import anyio
from fastapi import Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Receive, Scope, Send

from engine.core.errors import SemelError, TooMany
from engine.edge.follow import Update
from engine.edge.http.answers import encoded
from engine.edge.http.problems import problem_of
from engine.telemetry import gateway

STREAM = "text/event-stream"

PING_SECONDS = 15.0
"""After so much silence a comment is sent: proxies cut what is still for longer."""


class Followers:
    """All who are told live views by this gateway, in bounded number."""

    def __init__(self, limit: int) -> None:
        self._limit, self._now = limit, 0
        self.closed = anyio.Event()
        """Set when the gateway stops: streams have no end of their own."""

    def told(self, updates: AsyncGenerator[Update[Any], None]) -> Response:
        """The stream of somebody's updates; raises `TooMany`."""
        if self._now >= self._limit:
            raise TooMany(f"{self._limit} live views are told at once, and no more", seconds=5)
        return _Stream(updates, self)

    def count(self, change: int) -> None:
        """Somebody more is told, or less."""
        self._now += change
        gateway.FOLLOWERS.set(self._now)


class _Stream(Response):
    """One follower's stream; it ends when he goes."""

    media_type = STREAM

    def __init__(self, updates: AsyncGenerator[Update[Any], None], followers: Followers) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._updates, self._followers = updates, followers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Tell each update, until he hangs up or the gateway stops."""
        writing = anyio.Lock()

        async def write(event: bytes, *, more: bool = True) -> None:
            async with writing:
                await send({"type": "http.response.body", "body": event, "more_body": more})

        async def ping() -> None:
            while True:
                await write(KEEPALIVE_COMMENT)  # the first one at once: he is heard
                await anyio.sleep(PING_SECONDS)

        async def hung_up() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        async def closed() -> None:
            await self._followers.closed.wait()
            tasks.cancel_scope.cancel()

        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        self._followers.count(1)
        try:
            async with anyio.create_task_group() as tasks:
                for beside in (ping, hung_up, closed):
                    tasks.start_soon(beside)
                await self._tell(write)
                tasks.cancel_scope.cancel()
        finally:
            self._followers.count(-1)
        await write(b"", more=False)

    async def _tell(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        async with aclosing(self._updates) as updates:
            try:
                async for update in updates:
                    await write(_event(update))
            except SemelError as error:
                said = bytes(problem_of(error).body).decode()
                await write(format_sse_event(event="problem", data_str=said))


def _event(update: Update[Any]) -> bytes:
    said = {"answer": update.answer, "is_behind": update.is_behind}
    return format_sse_event(id=update.token, data_str=encoded(said).decode())
