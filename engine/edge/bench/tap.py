"""When what passes a process's sockets, seen from outside of whoever writes and reads there.

Connections that its loop opens are listened to where they meet the loop. So what is measured has
no line of its own for that: a write, and a packet that came, take a stamp of the machine's one
monotonic clock, which all of its processes share, and half a microsecond.

As a process of its own, with `Place` as JSON, this is an engine node that tells its stamps in
the end.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import msgspec

from engine import app, settings, telemetry

MODULE = "engine.edge.bench.tap"

_HEAD = 32
"""Bytes of a request in which its name stands."""


class Place(msgspec.Struct, frozen=True):
    """Where the engine finds its commands."""

    redis: str
    namespace: str


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """Something was handed to a socket or came off it; ``is_read``: a read that may block."""

    at: float
    link: int
    is_sent: bool
    is_read: bool


@contextmanager
def tapped() -> Iterator[list[Stamp]]:
    """The stamps of all connections that the running loop opens inside."""
    loop: Any = asyncio.get_running_loop()
    create, stamps, numbers = loop.create_connection, list[Stamp](), count()

    async def create_connection(*arguments: Any, **options: Any) -> tuple["_Line", Any]:
        transport, protocol = await create(*arguments, **options)
        return _Line(transport, next(numbers), stamps), protocol

    loop.create_connection = create_connection
    try:
        yield stamps
    finally:
        loop.create_connection = create


class _Line:
    """A transport that is listened to, once it is somebody's; in all else the one behind it."""

    def __init__(self, behind: Any, number: int, stamps: list[Stamp]) -> None:
        self._behind, self._number, self._stamps = behind, number, stamps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        """Hand on what comes, when its moment is noted."""
        self._behind.set_protocol(_Ear(protocol, self._number, self._stamps))

    def write(self, data: bytes) -> None:
        """Note the moment, and write."""
        is_read = b"XREAD" in data[:_HEAD]
        self._stamps.append(Stamp(time.perf_counter(), self._number, True, is_read))
        self._behind.write(data)


class _Ear(asyncio.Protocol):
    def __init__(self, protocol: asyncio.Protocol, number: int, stamps: list[Stamp]) -> None:
        self._protocol, self._number, self._stamps = protocol, number, stamps

    def data_received(self, data: bytes) -> None:
        self._stamps.append(Stamp(time.perf_counter(), self._number, False, False))
        self._protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)


async def _main() -> None:
    place = msgspec.json.decode(sys.argv[1], type=Place)
    here = settings.load(redis=place.redis, namespace=place.namespace)
    telemetry.configure(here.log_level, here.log_style)
    with tapped() as stamps:
        await app.serve([app.engine_role(here, app.domain_of(here))], here.drain_seconds)
    sys.stdout.buffer.write(msgspec.json.encode(stamps))


if __name__ == "__main__":
    app.run_process(_main)
