"""Starts a program that dies with the process that started it, however that one dies.

On Linux the kernel is asked to (PR_SET_PDEATHSIG): this file, run as a script, puts
itself on the leash and then becomes the program, so that there is no moment in which the
program runs free. Elsewhere a shell waits at a pipe whose other end only the parent
holds, and kills the program when that end breaks.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9

_WATCH = """
exec 3<&0 </dev/null
(read -r _ <&3 || kill -9 $$) >/dev/null 2>&1 & exec 3<&-
exec "$@"
"""
"""Sh: ``$$`` in the background is still the process that becomes the program. A line on
the pipe lets the watcher go, so that it never kills a stranger with a recycled pid."""


class Leashed(NamedTuple):
    """How to start the program: what to run, and the file descriptor of its stdin."""

    command: list[str]
    stdin: int


@contextmanager
def leash(
    command: Sequence[str], *, by_kernel: bool = sys.platform == "linux"
) -> Iterator[Leashed]:
    """Put a command on the leash; leave the context when the program has ended.

    The kernel watches the thread that starts the program, so that one must live on.
    """
    if by_kernel:
        with Path(os.devnull).open("rb") as nothing:
            start = [sys.executable, "-I", "-S", __file__, str(os.getpid())]
            yield Leashed([*start, *command], nothing.fileno())
        return
    watched, held = os.pipe()
    try:
        yield Leashed(["/bin/sh", "-c", _WATCH, "sh", *command], watched)
    finally:
        os.write(held, b"\n")
        os.close(held)
        os.close(watched)


def main(parent: int, command: list[str]) -> None:
    """Become the command, to be killed when ``parent`` dies."""
    import ctypes  # noqa: PLC0415 - only this process needs it

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    # Had the parent died before that call, nobody would tell us any more.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606 - to become the program is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
