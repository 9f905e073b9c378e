"""Connections to Redis: one kind, shared by many callers, that never sends twice.

Requests go out in the order of the calls and replies come back in that order, so hundreds of
callers share one socket, and a caller that goes away disturbs nobody.

A `Connection` lives once. When it breaks, whatever was under way has an unknown fate:
every caller gets `Lost`, and so does every later call. Dialling anew is for those who know
what that means.
"""

import asyncio
from collections import deque
from typing import Any

import anyio
import hiredis

from engine.core.doubt import error_of
from engine.core.errors import Lost, SemelError
from engine.telemetry import metrics

Argument = str | bytes | int | float

AT_ONCE_BYTES = 4096
"""A request this long is written when it is made; shorter ones of one turn go together."""

REPLY_SECONDS = 5.0
"""A reply that takes longer means a dead link; blocking reads ask for much less, and a script
is over in milliseconds. Until then what was served over it stands still: its leases are
renewed over another."""


class Connection(asyncio.Protocol):
    """One socket, many callers. Use `engine.store.dialling.connect`.

    It is the loop's protocol itself: a reply reaches its caller in the turn of the loop in
    which it comes off the socket.
    """

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._replies = hiredis.Reader()
        self._outgoing: list[bytes] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._progress = 0
        self._lost: Lost | None = None
        self._broken = anyio.Event()
        self._loop = asyncio.get_running_loop()
        transport.set_protocol(self)

    def call(self, *arguments: Argument) -> "asyncio.Future[Any]":
        """Send a command; the future is its reply, as RESP2 has it, bytes undecoded.

        The command is on its way when this returns. Awaiting raises what
        `engine.core.doubt` makes of an error reply, and `Lost` when the connection breaks.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._lost is not None:
            _tell(future, Lost(str(self._lost)))
            return future
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        # hiredis's stub knows tuples of one argument only
        self._outgoing.append(hiredis.pack_command(arguments))  # type: ignore[arg-type]
        self._waiting.append(future)
        if len(self._outgoing[-1]) >= AT_ONCE_BYTES:
            # A commit must be on its way before the next partition decides, or server and
            # engine work in turns instead of together.
            self._flush()
        return future

    async def run(self) -> None:
        """Watch over the connection until it breaks; raises `Lost` then.

        One that owes a reply and has sent none for too long is broken too. Cancelled, it closes
        nothing: whoever ends a session ends those who call first, who would take it for a doubt.
        """
        seen, since = self._progress, anyio.current_time()
        while self._lost is None:
            with anyio.move_on_after(REPLY_SECONDS / 10):
                await self._broken.wait()
            if not self._waiting or seen != self._progress:
                seen, since = self._progress, anyio.current_time()
            elif anyio.current_time() - since >= REPLY_SECONDS:
                self._break(f"no reply within {REPLY_SECONDS:g} s")
        raise Lost(str(self._lost))

    def close(self) -> None:
        """Answer every caller, now and from now on, with `Lost`."""
        self._fail(Lost("the connection to Redis is closed"))

    def data_received(self, data: bytes) -> None:
        """What came off the socket: each whole reply is for the caller who has waited longest."""
        try:
            self._replies.feed(data)
            while self._lost is None and (reply := self._replies.gets()) is not False:
                self._progress += 1
                self._answer(reply)
        except hiredis.ProtocolError as error:
            self._break(f"it does not speak as Redis does: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whichever end."""
        self._break(str(exc or "the server hung up"))

    def _flush(self) -> None:
        """Hand what is waiting to the socket, in one piece."""
        packet = b"".join(self._outgoing)
        self._outgoing.clear()
        if packet and not self._transport.is_closing():
            self._transport.write(packet)

    def _answer(self, reply: Any) -> None:
        error = _error_in(reply)
        if isinstance(error, Lost):
            self._break(str(error))
            return
        if not self._waiting:
            self._break("it sent a reply that nobody asked for")
            return
        future = self._waiting.popleft()
        if future.done():
            return
        if error is None:
            future.set_result(reply)
        else:
            _tell(future, error)

    def _break(self, why: str) -> None:
        """What was under way has an unknown fate; whoever waits and whoever runs it is told why."""
        self._fail(Lost(f"the connection to Redis broke: {why}"))

    def _fail(self, lost: Lost) -> None:
        self._lost = self._lost or lost
        self._broken.set()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                _tell(future, Lost(str(self._lost)))


def _error_in(reply: Any) -> SemelError | None:
    """What an error reply means, which is counted; None for any other reply."""
    if not isinstance(reply, hiredis.ReplyError):
        return None
    said = str(reply)
    metrics.count_refusal(said)
    return error_of(said)


def _tell(future: "asyncio.Future[Any]", error: SemelError) -> None:
    """Whoever waits gets the error; nobody has to: of many calls the first refusal may do."""
    future.set_exception(error)
    future.exception()
