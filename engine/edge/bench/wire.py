"""A bare client for measuring the server itself: prebuilt bytes, blocking sockets."""

import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

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


class Link:
    """One connection, one request after the other; replies as RESP2 has them."""

    def __init__(self, port: int) -> None:
        self._socket = _dial(port)
        self._replies = self._socket.makefile("rb")

    def close(self) -> None:
        """Ask no more."""
        self._replies.close()
        self._socket.close()

    def call(self, *arguments: bytes) -> Any:
        """Ask, and wait for the answer; raises `Unavailable` for an error."""
        self.send(*arguments)
        return self.receive()

    def send(self, *arguments: bytes) -> None:
        """Ask; somebody must `receive` the answer."""
        self._socket.sendall(packed(*arguments))

    def receive(self) -> Any:
        """The next answer."""
        line = self._replies.readline()
        kind, said = line[:1], line[1:-2]
        match kind:
            case b"$":
                return None if said == b"-1" else self._replies.read(int(said) + 2)[:-2]
            case b"*":
                return None if said == b"-1" else [self.receive() for _ in range(int(said))]
            case b"+":
                return said
            case b":":
                return int(said)
        raise Unavailable(f"the server answered {line!r}")


def ask(port: int, *arguments: bytes) -> Any:
    """One command on a connection of its own."""
    with closing(Link(port)) as link:
        return link.call(*arguments)


def server_cpu(port: int) -> float:
    """The CPU seconds that the server has used so far."""
    said = _info(port, b"cpu")
    return float(said["used_cpu_sys"]) + float(said["used_cpu_user"])


def server_calls(port: int) -> dict[str, tuple[int, int]]:
    """How often the server has run each command so far, and for how many microseconds in all.

    What scripts call is in it, by its own name and in the script's time.
    """
    said = _info(port, b"commandstats")
    parts = {name: dict(p.split("=") for p in each.split(",")) for name, each in said.items()}
    return {
        name.removeprefix("cmdstat_"): (int(each["calls"]), int(each["usec"]))
        for name, each in parts.items()
    }


def server_memory(port: int) -> int:
    """The bytes that the server has allocated."""
    return int(_info(port, b"memory")["used_memory"])


def key_bytes(port: int, key: str) -> int:
    """What Redis says that a key takes, all of it counted; nothing for one that is not there."""
    return int(ask(port, b"MEMORY", b"USAGE", key.encode(), b"SAMPLES", b"0") or 0)


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


def _info(port: int, section: bytes) -> dict[str, str]:
    lines = ask(port, b"INFO", section).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _dial(port: int) -> socket.socket:
    link = socket.create_connection((HOST, port), timeout=_TIMEOUT_SECONDS)
    # What is written is wanted at once: packets are as large as they should be.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link
