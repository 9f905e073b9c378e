"""A bare client for measuring the server itself: prebuilt bytes, blocking sockets."""

import selectors
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from engine.core.errors import Unavailable

_LINES_PER_REPLY = 2
"""A stream id comes back as its length and its text."""


class Sent(NamedTuple):
    """What a run of writes took, and the server's own CPU time in it."""

    seconds: float
    server_seconds: float


def packed(*arguments: bytes) -> bytes:
    """A command in Redis's protocol."""
    parts = (b"$%d\r\n%s\r\n" % (len(part), part) for part in arguments)
    return b"*%d\r\n%s" % (len(arguments), b"".join(parts))


def ask(port: int, *arguments: bytes) -> bytes:
    """One command on a connection of its own; the raw reply's first chunk."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(packed(*arguments))
        return link.recv(65536)


def server_cpu(port: int) -> float:
    """The CPU seconds that the server has used so far."""
    text = ask(port, b"INFO", b"cpu").decode()
    lines = dict(line.split(":") for line in text.splitlines() if line.startswith("used_cpu"))
    return float(lines["used_cpu_sys"]) + float(lines["used_cpu_user"])


def send(port: int, packets: Sequence[tuple[bytes, int]], sockets: int) -> Sent:
    """Write packets, each of a number of XADDs, over several sockets, one under way on each."""
    links = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(sockets)]
    waiting = iter(packets)
    cpu, began = server_cpu(port), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        owed: dict[socket.socket, int] = {}
        for link in links:
            selector.register(link, selectors.EVENT_READ)
            _write_next(link, waiting, owed)
        while owed:
            for ready, _ in selector.select(30):
                link = next(each for each in links if each is ready.fileobj)
                chunk = link.recv(65536)
                if not chunk or b"-" == chunk[:1]:
                    raise Unavailable(f"the server answered {chunk[:100]!r} to a plain XADD")
                owed[link] -= chunk.count(b"\n")
                if owed[link] == 0:
                    del owed[link]
                    _write_next(link, waiting, owed)
    seconds = time.perf_counter() - began
    used = server_cpu(port) - cpu
    for link in links:
        link.close()
    return Sent(seconds, used)


def _write_next(
    link: socket.socket, packets: "Sequence[tuple[bytes, int]] | object", owed: dict[socket.socket, int]
) -> None:
    packet = next(packets, None)  # type: ignore[call-overload]
    if packet is not None:
        link.sendall(packet[0])
        owed[link] = packet[1] * _LINES_PER_REPLY
