"""A bad line to a server: a TCP proxy that can be told, under way, how to be bad.

A network loses connections, never bytes in the middle of one. So a connection from which
anything was swallowed stays dumb until it is hung up: what came later on it would be
taken for the answer to something else.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream

_WRITES = (b"EVALSHA", b"XADD")
"""What a request that is worth losing the reply of contains."""


class Mode(Enum):
    """What becomes of bytes."""

    FORWARD = "forward"
    DROP_REPLIES = "requests arrive, replies are swallowed"
    LOSE_REPLY = "the next write arrives, then the connection breaks before its reply"
    DELAY = "everything arrives, late"
    HALF_OPEN = "the server sees the end of the connection, the client sees nothing"
    CUT = "nobody is connected, nobody can connect"


class _Connection:
    """A client's connection: both its ends, and what it has suffered.

    ``doomed`` breaks before its next reply, ``mute`` has lost replies, ``deaf`` has lost
    requests. ``gone`` is set when the client has left, or was hung up on.
    """

    def __init__(self, client: SocketStream, server: SocketStream) -> None:
        self.client, self.server = client, server
        self.doomed = self.mute = self.deaf = False
        self.gone = anyio.Event()

    async def hang_up(self) -> None:
        self.gone.set()
        await anyio.aclose_forcefully(self.client)
        await anyio.aclose_forcefully(self.server)


class Proxy:
    """A line that can go bad; ``struck`` counts how often each mode had an effect.

    ``target`` may be changed: new connections lead there. ``recording`` keeps ``requests``,
    all that went over it to the server.
    """

    def __init__(self, target: str, *, recording: bool = False) -> None:
        self.target = target
        self.mode = Mode.FORWARD
        self.delay_seconds = 0.0
        self.struck: Counter[Mode] = Counter()
        self.requests = bytearray()
        self.port = 0
        self._recording = recording
        self._connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        """Where clients connect instead."""
        return f"redis://127.0.0.1:{self.port}"

    async def cut(self) -> None:
        """Hang up on everyone, and go on doing so."""
        self.mode = Mode.CUT
        for connection in list(self._connections):
            self.struck[Mode.CUT] += 1
            await connection.hang_up()

    async def heal(self) -> None:
        """Forward from now on; whatever lost bytes is hung up."""
        self.mode = Mode.FORWARD
        for connection in list(self._connections):
            if connection.mute or connection.deaf:
                await connection.hang_up()

    async def serve(self, client: SocketStream) -> None:
        """One connection, both ways."""
        url = urlsplit(self.target)
        try:
            if self.mode is Mode.CUT:
                raise ConnectionRefusedError
            server = await anyio.connect_tcp(url.hostname or "", url.port or 0)
        except OSError:
            await client.aclose()
            return
        connection = _Connection(client, server)
        self._connections.add(connection)
        try:
            async with client, server, anyio.create_task_group() as tasks:
                tasks.start_soon(self._requests, connection)
                await self._replies(connection)
                tasks.cancel_scope.cancel()
        finally:
            self._connections.discard(connection)

    async def _requests(self, connection: _Connection) -> None:
        try:
            async for packet in connection.client:
                if self.mode is Mode.HALF_OPEN and not connection.deaf:
                    connection.deaf = True
                    self.struck[Mode.HALF_OPEN] += 1
                    await connection.server.send_eof()
                if connection.deaf:
                    continue
                if self.mode is Mode.LOSE_REPLY and any(word in packet for word in _WRITES):
                    self.mode = Mode.FORWARD
                    connection.doomed = True
                await self._late()
                if self._recording:
                    self.requests += packet
                await connection.server.send(packet)
            await connection.server.send_eof()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return
        finally:
            connection.gone.set()

    async def _replies(self, connection: _Connection) -> None:
        """Ends with the connection: that of the server, unless the client must not see it."""
        try:
            async for packet in connection.server:
                if connection.doomed:
                    self.struck[Mode.LOSE_REPLY] += 1
                    return
                if self.mode is Mode.DROP_REPLIES or connection.mute:
                    connection.mute = True
                    self.struck[Mode.DROP_REPLIES] += 1
                    continue
                await self._late()
                await connection.client.send(packet)
            if connection.deaf or connection.mute:
                await connection.gone.wait()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async def _late(self) -> None:
        if self.mode is Mode.DELAY:
            self.struck[Mode.DELAY] += 1
            await anyio.sleep(self.delay_seconds)


@asynccontextmanager
async def proxy(target: str, *, recording: bool = False) -> AsyncIterator[Proxy]:
    """A line to the server at ``target``, good at first."""
    line = Proxy(target, recording=recording)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    line.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django's
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, line.serve)
        yield line
        tasks.cancel_scope.cancel()
