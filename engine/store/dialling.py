"""Dialling Redis: connections, and what is said of a server that cannot be had.

redis-py dials, authenticates and encrypts. Its retries are off: they double effects. Once the
server has let us in, the socket is a `Connection`'s.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import anyio
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.connection import Connection as TcpConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from engine.core.errors import Misuse, Refused, Unavailable
from engine.store.connection import Connection

PLAIN: Mapping[str, Any] = MappingProxyType({
    "protocol": 2, "decode_responses": False, "health_check_interval": 0,
})  # fmt: skip
"""What every client of ours has in common, beside that it never tries again: replies are as
RESP2 has them, in bytes, and nothing is sent that nobody asked for."""

CONNECT_SECONDS = 5.0
"""A server that does not answer a handshake in this time is away."""


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Connection]:
    """A connection to the server at ``url``; raises `Unavailable` when it cannot be had.

    The caller runs `Connection.run` in a task of its own: else nobody notices a dead link.
    """
    link = await _dial(url)
    writer: asyncio.StreamWriter = link._writer  # type: ignore[assignment]  # noqa: SLF001 -- its socket is ours from now on
    connection = Connection(writer.transport)
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


def _text_of(error: ResponseError) -> str:
    """An error reply as Redis wrote it: redis-py cuts the code off where it made a class of it."""
    code = error.status_code
    return f"{code} {error}" if code else str(error)
