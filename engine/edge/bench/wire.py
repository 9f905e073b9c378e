"""A bare client for measuring the server itself: prebuilt bytes, blocking sockets."""

import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.core.errors import Unavailable

HOST = "127.0.0.1"
"""Benches run on one machine."""

_LINES_PER_REPLY = 2
"""A stream id comes back as its length and its text."""

_TIMEOUT_SECONDS = 30
"""A server that is silent for so long is not being measured any more."""

Packet = tuple[bytes, int]
"""Bytes to write at once, and how many XADDs they are."""


class Sent(NamedTuple):
    """What a run of writes took, and the server's own CPU time in it."""

    commands: int
    seconds: float
    server_seconds: float


def packed(*arguments: bytes) -> bytes:
    """A command in Redis's protocol."""
    parts = (b"$%d\r\n%s\r\n" % (len(part), part) for part in arguments)
    return b"*%d\r\n%s" % (len(arguments), b"".join(parts))


def ask(port: int, *arguments: bytes) -> bytes:
    """One command on a connection of its own; the first chunk of the raw reply."""
    with _dial(port) as link:
        link.sendall(packed(*arguments))
        return link.recv(65536)


def server_cpu(port: int) -> float:
    """The CPU seconds that the server has used so far."""
    text = ask(port, b"INFO", b"cpu").decode()
    lines = dict(line.split(":") for line in text.splitlines() if line.startswith("used_cpu"))
    return float(lines["used_cpu_sys"]) + float(lines["used_cpu_user"])


def send(port: int, packets: Iterable[Packet], sockets: int) -> Sent:
    """Write packets over several sockets, one under way on each, until all are answered."""
    waiting = iter(packets)
    links = [_dial(port) for _ in range(sockets)]
    cpu, began = server_cpu(port), time.perf_counter()
    try:
        count = sum(_exchange(links, waiting))
    finally:
        for link in links:
            link.close()
    seconds = time.perf_counter() - began
    return Sent(count, seconds, server_cpu(port) - cpu)


def _exchange(links: list[socket.socket], packets: Iterator[Packet]) -> Iterator[int]:
    """How many XADDs each packet held, once it is answered."""
    owed: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:

        def write_next(link: socket.socket) -> int:
            packet = next(packets, None)
            if packet is None:
                return 0
            link.sendall(packet[0])
            owed[link.fileno()] = packet[1] * _LINES_PER_REPLY
            return packet[1]

        for link in links:
            selector.register(link, selectors.EVENT_READ, link)
            yield write_next(link)
        while owed:
            for key, _ in selector.select(_TIMEOUT_SECONDS):
                link = key.data
                chunk = link.recv(65536)
                if not chunk or chunk.startswith(b"-"):
                    raise Unavailable(f"the server answered {chunk[:100]!r} to a plain XADD")
                owed[link.fileno()] -= chunk.count(b"\n")
                if owed[link.fileno()] == 0:
                    del owed[link.fileno()]
                    yield write_next(link)


def _dial(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=_TIMEOUT_SECONDS)
