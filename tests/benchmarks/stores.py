"""The servers that peers run on: an empty one for each run, on this machine alone."""

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import anyio
from anyio.abc import Process

from engine.edge.binary import Binary
from engine.edge.leash import leash
from engine.edge.probe import HOST, POLL_SECONDS
from engine.edge.server import Fsync, embedded_server
from tests.benchmarks.catalogue import Store
from tests.benchmarks.environments import Missing, last_words

SETTINGS = {
    "shared_buffers": "512MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "listen_addresses": HOST,
    "unix_socket_directories": "",
}
"""A PostgreSQL that has room; what it keeps, and when, is as it comes: synchronous commit."""

_USER = "postgres"
_START_SECONDS = 30.0


@asynccontextmanager
async def store_of(kind: Store, binary: Binary) -> AsyncIterator[str]:
    """The URL of an empty server; raises `Missing` where it cannot be started."""
    match kind:
        case Store.NOTHING:
            yield ""
        case Store.REDIS | Store.REDIS_ALWAYS:
            fsync: Fsync = "always" if kind is Store.REDIS_ALWAYS else "everysec"
            async with embedded_server(binary=binary, fsync=fsync) as server:
                yield server.url
        case Store.POSTGRES:
            async with _postgres() as url:
                yield url


def postgres_programs() -> Path:
    """The folder with the newest server programs; raises `Missing`."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_release)
    for folder in reversed(installed):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise Missing("there is no PostgreSQL: apt-get install postgresql")
    return Path(found).resolve().parent


def _release(programs: Path) -> float:
    return float(programs.parent.name) if programs.parent.name.replace(".", "").isdigit() else 0.0


@asynccontextmanager
async def _postgres() -> AsyncIterator[str]:
    programs, user = postgres_programs(), _server_user()
    with tempfile.TemporaryDirectory(prefix="semel-peers-") as folder:
        if user is not None:
            shutil.chown(folder, user, user)
        data = Path(folder) / "data"
        made = await anyio.run_process(
            [
                *_as(user), str(programs / "initdb"), "-D", str(data), "-U", _USER, "--auth=trust",
                "--no-sync",
            ],
            stdout=PIPE, stderr=STDOUT, check=False, cwd=folder,
        )  # fmt: skip
        if made.returncode:
            raise Missing(f"PostgreSQL: {last_words(made.stdout)}")
        words = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [*_as(user), str(programs / "postgres"), "-D", str(data), *words]
        async with _serving(programs, command, folder) as port:
            yield f"postgresql://{_USER}@{HOST}:{port}/postgres"


@asynccontextmanager
async def _serving(programs: Path, command: list[str], folder: str) -> AsyncIterator[int]:
    """A server and its port: one that was free a moment ago."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    with leash([*command, "-p", str(port)]) as leashed:
        async with await anyio.open_process(
            leashed.command, stdin=leashed.stdin, stdout=DEVNULL, stderr=DEVNULL, cwd=folder
        ) as process:
            try:
                await _answers(process, programs, port)
                yield port
            finally:
                with anyio.CancelScope(shield=True):
                    if process.returncode is None:
                        process.terminate()
                    await process.wait()


def _as(user: str | None) -> list[str]:
    """Words before a command that is run as somebody else, and still dies with us."""
    if user is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Missing("PostgreSQL does not run as root, and there is no setpriv (util-linux)")
    # The kernel forgets the leash where the user changes: setpriv puts it on again.
    return [setpriv, f"--reuid={user}", f"--regid={user}", "--init-groups", "--pdeathsig=KILL"]


def _server_user() -> str | None:
    """Who runs the server where this process is root; raises `Missing` without such a user."""
    if os.geteuid():
        return None
    try:
        return pwd.getpwnam(_USER).pw_name
    except KeyError:
        raise Missing(f"PostgreSQL does not run as root, and there is no user {_USER}") from None


async def _answers(process: Process, programs: Path, port: int) -> None:
    """Wait until the server takes connections; raises `Missing`."""
    asked = [str(programs / "pg_isready"), "-q", "-h", HOST, "-p", str(port)]
    with anyio.move_on_after(_START_SECONDS):
        while (await anyio.run_process(asked, check=False)).returncode:
            if process.returncode is not None:
                raise Missing(f"PostgreSQL ended with {process.returncode} when it was started")
            await anyio.sleep(POLL_SECONDS)
        return
    raise Missing(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s")
