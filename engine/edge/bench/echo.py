"""The echo: a round trip between two Python processes, with XADD and a blocked XREAD.

Nothing could do the same with less: prebuilt requests, blocking sockets, no event loop. The
other process is this module, run with the server's port and the number of echoes.
"""

import sys
import time
from contextlib import closing

from engine.edge.bench import workload
from engine.edge.bench.wire import Link

MODULE = "engine.edge.bench.echo"

_THERE, _BACK = b"bench:there", b"bench:back"

_BLOCK_MS = b"10000"
"""How long one waits for the other, which may have to start first."""


def round_trips(port: int, count: int) -> list[float]:
    """Send so many of the workload's entries, one after the other; each one's seconds."""
    last, seconds = b"0", []
    with closing(Link(port)) as adding, closing(Link(port)) as reading:
        for wish in workload.created(range(count)):
            fields = wish.entry(time.time_ns() // 1_000_000)
            reading.send(*_read(_BACK, last))
            began = time.perf_counter()
            adding.send(b"XADD", _THERE, b"*", *fields)
            last, _ = _entry(reading.receive())
            seconds.append(time.perf_counter() - began)
            adding.receive()
        adding.call(b"UNLINK", _THERE, _BACK)
    return seconds


def _send_back(port: int, count: int) -> None:
    last = b"0"
    with closing(Link(port)) as adding, closing(Link(port)) as reading:
        for _ in range(count):
            last, fields = _entry(reading.call(*_read(_THERE, last)))
            adding.call(b"XADD", _BACK, b"*", *fields)


def _read(stream: bytes, after: bytes) -> tuple[bytes, ...]:
    return b"XREAD", b"COUNT", b"1", b"BLOCK", _BLOCK_MS, b"STREAMS", stream, after


def _entry(reply: list[tuple[bytes, list[tuple[bytes, list[bytes]]]]]) -> tuple[bytes, list[bytes]]:
    ((_, (entry,)),) = reply
    return entry


if __name__ == "__main__":
    _send_back(*map(int, sys.argv[1].split()))
