"""What the server alone can take of the workload's own entries: what every rate stands beside."""

import time

import msgspec

from engine.edge.bench import wire, workload

SERVER_SHARE = 0.95
"""Less of the server's time than this, and the client was measured: the figure is void."""

_ATTEMPTS = 3


class Raw(msgspec.Struct, frozen=True):
    """XADDs per second, and how much of the time the server was busy with them."""

    per_second: float
    server_share: float

    @property
    def valid(self) -> bool:
        """Whether it was the server that was measured."""
        return self.server_share >= SERVER_SHARE


def raw(port: int, count: int) -> Raw:
    """XADDs per second to one stream, prebuilt, 64 a write over 8 sockets.

    Where something else on the machine kept the server waiting, once or twice more.
    """
    created = workload.created(range(count))
    prepared = list(workload.packets(["bench:raw"], created, time.time_ns() // 1_000_000))
    measured = Raw(0, 0)
    for _ in range(_ATTEMPTS):
        sent = wire.send(port, prepared, workload.SOCKETS)
        wire.ask(port, b"UNLINK", b"bench:raw")
        measured = Raw(sent.commands / sent.seconds, sent.server_seconds / sent.seconds)
        if measured.valid:
            break
    return measured
