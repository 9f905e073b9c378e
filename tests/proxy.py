"""A bad line to a server: a TCP proxy that forwards, swallows replies, or hangs up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream


class Mode(Enum):
    """What becomes of bytes."""

    FORWARD = "forward"
    DROP_REPLIES = "requests arrive, replies are swallowed"
    CUT = "nobody is connected, nobody can connect"


class Proxy:
    """A line that can go bad, and what went over it to the server."""

    def __init__(self, target: str) -> None:
        url = urlsplit(target)
        self._host, self._port = url.hostname or "", url.port or 0
        self._lines: list[SocketStream] = []
        self.mode = Mode.FORWARD
        self.requests = b""
        self.port = 0

    @property
    def url(self) -> str:
        """Where clients connect instead."""
        return f"redis://127.0.0.1:{self.port}"

    async def cut(self) -> None:
        """Hang up on everyone, and go on doing so."""
        self.mode = Mode.CUT
        lines, self._lines = self._lines, []
        for line in lines:
            await anyio.aclose_forcefully(line)

    async def serve(self, client: SocketStream) -> None:
        """One connection, both ways."""
        if self.mode is Mode.CUT:
            await client.aclose()
            return
        async with client, await anyio.connect_tcp(self._host, self._port) as server:
            self._lines += [client, server]
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._pump, client, server, False)
                await self._pump(server, client, True)
                tasks.cancel_scope.cancel()

    async def _pump(self, source: SocketStream, sink: SocketStream, replies: bool) -> None:  # noqa: FBT001
        try:
            async for packet in source:
                if not replies:
                    self.requests += packet
                if not (replies and self.mode is Mode.DROP_REPLIES):
                    await sink.send(packet)
            await sink.send_eof()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return


@asynccontextmanager
async def proxy(target: str) -> AsyncIterator[Proxy]:
    """A line to the server at ``target``, good at first."""
    line = Proxy(target)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    line.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django's
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, line.serve)
        yield line
        tasks.cancel_scope.cancel()
