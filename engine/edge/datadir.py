"""The directory of an embedded server: one user at a time, no older server on newer data."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.core.errors import Unfit
from engine.edge.binary import Engine, parse_engine

_LOG_TAIL_LINES = 8
"""Enough for the reason a server did not start, which comes last."""

_LOG_TAIL_BYTES = 4096
_OWNER_ONLY = 0o600


class DataDirectory:
    """A directory with the server's log; ours from `try_lock` until ``lock`` is closed.

    The server inherits ``lock``: should this process be killed, the directory is free
    only when the server is gone too, and nobody opens its files under its hands.
    """

    def __init__(self, path: Path, lock: int, log: int) -> None:
        self.path = path
        self.lock = lock
        self.log = log
        self._log_start = os.lseek(log, 0, os.SEEK_END)
        self._stamp = path / "server.txt"

    def try_lock(self) -> bool:
        """Whether the directory is ours now."""
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, b"%d\n" % os.getpid(), 0)
        return True

    def holder(self) -> str:
        """The pid of the process that has the directory, as far as it is known."""
        return os.pread(self.lock, 20, 0).decode(errors="replace").strip() or "unknown"

    def check(self, server: Engine) -> None:
        """Raise `Unfit` unless this server can open what is here."""
        if not self._stamp.exists():
            return
        text = self._stamp.read_text(errors="replace").strip()
        writer = parse_engine(text)
        if writer is None:
            raise Unfit(f"{self._stamp} should say which server wrote the data; it says {text!r}")
        if not server.opens(writer):
            raise Unfit(
                f"the data in {self.path} was written by {writer}, which {server} cannot open: "
                f"use that server or a newer one of its kind, or another directory"
            )

    def stamp(self, server: Engine) -> None:
        """Note who writes here from now on, which an older server will be told."""
        self._stamp.write_text(f"{server}\n")

    def last_words(self) -> str:
        """The end of what the server logged since the directory was opened."""
        size = os.fstat(self.log).st_size
        start = max(self._log_start, size - _LOG_TAIL_BYTES)
        lines = os.pread(self.log, size - start, start).decode(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])


@contextmanager
def data_directory(data: Path | None) -> Iterator[DataDirectory]:
    """A given directory, made if need be, or a temporary one that goes at exit."""
    if data is None:
        with tempfile.TemporaryDirectory(prefix="semel-") as name, _opened(Path(name)) as directory:
            yield directory
    else:
        with _opened(data.expanduser().absolute()) as directory:
            yield directory


@contextmanager
def _opened(path: Path) -> Iterator[DataDirectory]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with ExitStack() as stack:
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = os.open(path / "server.lock", flags, _OWNER_ONLY)
            stack.callback(os.close, lock)
            log = os.open(path / "server.log", flags | os.O_APPEND, _OWNER_ONLY)
            stack.callback(os.close, log)
        except OSError as error:
            raise Unfit(f"{path} cannot be a data directory: {error.strerror}") from error
        yield DataDirectory(path, lock, log)
