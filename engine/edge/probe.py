"""Asking a server on this machine whether it is there, and a port whether it is free.

With plain sockets: only the store speaks Redis, and the three answers needed here are
``+PONG``, ``-LOADING`` and the process id that ``INFO`` tells.
"""

import re
import socket
from collections.abc import Iterator

import anyio
from anyio.abc import Process

from engine.core.errors import Misuse

HOST = "127.0.0.1"
POLL_SECONDS = 0.01
"""A server starts within a few of these."""

_FIRST_PORT = 7901
_PORTS_TRIED = 100
_HIGHEST_PORT = 65_535
_SILENCE_SECONDS = 30.0
"""A server that has not even said that it is loading for so long is not going to."""

_QUESTION = b"PING\r\nINFO server\r\n"
_PID = re.compile(rb"process_id:(\d+)\r\n")
_PROBE_SECONDS = 0.5
"""A server that is busy with its file for longer is asked again."""


async def answers(process: Process, port: int) -> bool:
    """Wait until this very process answers there; False when it ended or stayed silent.

    A server says nothing by itself when it is ready, so it is asked again and again. That
    it loads its data counts as a sign of life, however long that takes.
    """
    with anyio.move_on_after(_SILENCE_SECONDS) as patience:
        while process.returncode is None:
            greeting, pid = await _ask(port)
            if pid == process.pid and greeting == b"+PONG":
                return True
            if pid == process.pid:
                patience.deadline = anyio.current_time() + _SILENCE_SECONDS
            await anyio.sleep(POLL_SECONDS)
    return False


async def _ask(port: int) -> tuple[bytes, int]:
    """The answer to PING of who listens there, and its pid: as far as there are any."""
    said = b""
    try:
        with anyio.move_on_after(_PROBE_SECONDS):
            async with await anyio.connect_tcp(HOST, port) as stream:
                await stream.send(_QUESTION)
                while (found := _PID.search(said)) is None:
                    said += await stream.receive()
                return said.split(b"\r\n", 1)[0], int(found[1])
    except (OSError, anyio.EndOfStream, anyio.BrokenResourceError):
        pass
    return said, 0


def free_ports() -> Iterator[int]:
    """Ports nobody listens on, from 7901 on: away from 6379, whoever has that."""
    return filter(is_free, range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED))


def spare_port() -> int:
    """A port nobody listens on, and nobody who asks for one is given in the next moments."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen there; raises `Misuse` for what is no port."""
    if not 0 < port <= _HIGHEST_PORT:
        raise Misuse(f"{port} is not a port: those are 1 to {_HIGHEST_PORT}")
    with socket.socket() as probe:
        # As servers do: ports of connections that ended a moment ago count as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
