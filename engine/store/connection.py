"""Connections to Redis: one kind, shared by many callers, that never sends twice.

redis-py dials, authenticates, encrypts and parses. Its retries are off: they double
effects. Requests go out in the order of the calls and replies come back in that order, so
hundreds of callers share one socket, and a caller that goes away disturbs nobody.

A `Connection` lives once. When it breaks, whatever was under way has an unknown fate:
every caller gets `Lost`, and so does every later call. Dialling anew is for those who know
what that means.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import anyio
import hiredis
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.connection import Connection as TcpConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from engine.core.doubt import error_of
from engine.core.errors import Lost, Misuse, Refused, SemelError, Unavailable, single
from engine.telemetry import metrics

Argument = str | bytes | int | float

PLAIN: Mapping[str, Any] = MappingProxyType({
    "protocol": 2, "decode_responses": False, "health_check_interval": 0,
})  # fmt: skip
"""What every client of ours has in common, beside that it never tries again: replies are as
RESP2 has them, in bytes, and nothing is sent that nobody asked for."""

CONNECT_SECONDS = 5.0
"""A server that does not answer a handshake in this time is away."""

READ_AHEAD_BYTES = 2 * 1024 * 1024
"""What asyncio may buffer of a reply. Its own 64 KiB let a long reply trickle in, a piece at
each turn of the loop, while partitions decide in between: they ran out of commands."""

AT_ONCE_BYTES = 4096
"""A request this long is written when it is made; shorter ones of one turn go together."""

REPLY_SECONDS = 5.0
"""A reply that takes longer means a dead link; blocking reads ask for much less, and a script
is over in milliseconds. Until then what was served over it stands still: its leases are
renewed over another."""


class Connection:
    """One socket, many callers. Use `connect`."""

    def __init__(self, link: AbstractConnection) -> None:
        self._link = link
        reader: Any = link._reader  # noqa: SLF001
        reader._limit = READ_AHEAD_BYTES  # noqa: SLF001
        # redis-py only writes from a coroutine; a commit must be on its way before the
        # next partition decides, or server and engine work in turns instead of together.
        self._writer: asyncio.StreamWriter = link._writer  # type: ignore[assignment]  # noqa: SLF001
        self._outgoing: list[bytes] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._wake_writer = asyncio.Event()
        self._wake_reader = asyncio.Event()
        self._progress = 0
        self._lost: Lost | None = None

    def call(self, *arguments: Argument) -> "asyncio.Future[Any]":
        """Send a command; the future is its reply, as RESP2 has it, bytes undecoded.

        The command is on its way when this returns. Awaiting raises what
        `engine.core.doubt` makes of an error reply, and `Lost` when the connection breaks.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._lost is not None:
            _tell(future, Lost(str(self._lost)))
            return future
        # hiredis's stub knows tuples of one argument only
        self._outgoing.append(hiredis.pack_command(arguments))  # type: ignore[arg-type]
        self._waiting.append(future)
        if len(self._outgoing[-1]) >= AT_ONCE_BYTES:
            self._flush()
        self._wake_writer.set()
        self._wake_reader.set()
        return future

    async def run(self) -> None:
        """Send and receive until the connection breaks; raises `Lost` then."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write)
                tasks.start_soon(self._read)
                tasks.start_soon(self._watch)
        except* (RedisError, OSError, RuntimeError, Lost) as errors:
            lost = Lost(f"the connection to Redis broke: {single(errors)}")
            # Those who wait are told the reason too: which of them speaks first is chance.
            self._fail(lost)
            raise lost from errors
        finally:
            self.close()

    def close(self) -> None:
        """Answer every caller, now and from now on, with `Lost`."""
        self._fail(Lost("the connection to Redis is closed"))

    async def _write(self) -> None:
        while True:
            await self._wake_writer.wait()
            self._wake_writer.clear()
            self._flush()
            await self._writer.drain()

    def _flush(self) -> None:
        """Hand what is waiting to the socket, in one piece."""
        packet = b"".join(self._outgoing)
        self._outgoing.clear()
        try:
            if packet and not self._writer.is_closing():
                self._writer.write(packet)
        except (RuntimeError, OSError):
            # uvloop says so; what waits for a reply learns it from the reading side
            self._writer.close()

    async def _read(self) -> None:
        while True:
            await self._wake_reader.wait()
            self._wake_reader.clear()
            while self._waiting:
                try:
                    reply = await self._link.read_response()
                except ResponseError as error:
                    self._refuse(error)
                    continue
                self._progress += 1
                future = self._waiting.popleft()
                if not future.done():
                    future.set_result(reply)

    def _refuse(self, reply: ResponseError) -> None:
        """Tell a caller of its error; raises `Lost` for one that ends the connection for all."""
        said = _text_of(reply)
        metrics.count_refusal(said)
        error = error_of(said)
        if isinstance(error, Lost):
            raise error
        self._progress += 1
        future = self._waiting.popleft()
        if not future.done():
            error.__cause__ = reply
            _tell(future, error)

    async def _watch(self) -> None:
        """Break a connection that owes a reply and has sent none for too long."""
        seen, since = self._progress, anyio.current_time()
        while True:
            await anyio.sleep(REPLY_SECONDS / 10)
            if not self._waiting or seen != self._progress:
                seen, since = self._progress, anyio.current_time()
            elif anyio.current_time() - since >= REPLY_SECONDS:
                raise TimeoutError(f"no reply within {REPLY_SECONDS:g} s")

    def _fail(self, lost: Lost) -> None:
        self._lost = self._lost or lost
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                _tell(future, Lost(str(lost)))


def _tell(future: "asyncio.Future[Any]", error: SemelError) -> None:
    """Whoever waits gets the error; nobody has to: of many calls the first refusal may do."""
    future.set_exception(error)
    future.exception()


def _text_of(error: ResponseError) -> str:
    """An error reply as Redis wrote it: redis-py cuts the code off where it made a class of it."""
    code = error.status_code
    return f"{code} {error}" if code else str(error)


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Connection]:
    """A connection to the server at ``url``; raises `Unavailable` when it cannot be had.

    The caller runs `Connection.run` in a task of its own: until then nothing moves.
    """
    link = await _dial(url)
    connection = Connection(link)
    try:
        yield connection
    finally:
        connection.close()
        with anyio.CancelScope(shield=True):
            await link.disconnect(nowait=True)


def without_password(url: str) -> str:
    """A URL that may be shown to people."""
    # A password may have been written with an @ or a / in it, or as a parameter.
    shown = re.sub(r"//([^:@/?#]*):.*@", r"//\1:***@", url)
    return re.sub(r"([?&]password=)[^&#]*", r"\1***", shown)


async def _dial(url: str) -> AbstractConnection:
    try:
        options = dict(parse_url(url))
    except ValueError as error:
        raise Misuse(
            f"{without_password(url)!r} is not a Redis URL, such as redis://127.0.0.1:6379/0: "
            f"{error}"
        ) from error
    kind: Any = options.pop("connection_class", TcpConnection)
    try:
        link: AbstractConnection = kind(
            **options,
            **PLAIN,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            client_name="semel",
        )
    except TypeError as error:
        raise Misuse(
            f"{without_password(url)!r} sets what semel sets itself, or what does not exist: "
            f"{error}. Leave it out"
        ) from error
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            await link.connect()
    except (AuthenticationError, ResponseError) as error:
        await link.disconnect(nowait=True)
        said = _text_of(error) if isinstance(error, ResponseError) else str(error)
        raise Unavailable(
            f"Redis at {without_password(url)} does not let us in: {said}"
        ) from Refused(said)
    except (RedisError, OSError) as error:
        await link.disconnect(nowait=True)
        why = str(error) or f"no handshake within {CONNECT_SECONDS:g} s"
        raise Unavailable(f"cannot reach Redis at {without_password(url)}: {why}") from error
    return link
