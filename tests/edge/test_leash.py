import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.edge.leash import leash
from tests.edge.processes import is_alive, parent
from tests.eventually import eventually

# The kernel's leash is Linux's; the pipe's must hold everywhere.
KINDS = ["kernel", "pipe"] if sys.platform == "linux" else ["pipe"]


@contextmanager
def leashed(kind: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    with (
        leash(command, by_kernel=kind == "kernel") as start,
        subprocess.Popen(start.command, stdin=start.stdin, stdout=subprocess.PIPE, text=True) as it,
    ):
        yield it


@pytest.mark.parametrize("kind", KINDS)
async def test_dies_with_its_parent(kind: str) -> None:
    with parent("parent_of_leash.py", kind) as (process, pid):
        assert is_alive(pid)
        process.kill()
        await eventually(lambda: not is_alive(pid), "the program is gone")


@pytest.mark.parametrize("kind", KINDS)
def test_the_process_becomes_the_program(kind: str) -> None:
    with leashed(kind, "/bin/sh", "-c", "echo $$; exit 7") as program:
        assert program.communicate()[0] == f"{program.pid}\n"
    assert program.returncode == 7


@pytest.mark.parametrize("kind", KINDS)
def test_the_program_has_nothing_to_read(kind: str) -> None:
    with leashed(kind, "/bin/cat") as program:
        assert program.communicate()[0] == ""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the watcher in /proc")
async def test_the_watcher_goes_when_the_program_ended() -> None:
    with leashed("pipe", "/bin/sleep", "300") as program:
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
        watcher = int(await eventually(children.read_text, "there is a watcher"))
        assert is_alive(watcher)
        program.terminate()
    await eventually(lambda: not is_alive(watcher), "the watcher is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_nothing_is_started_for_a_parent_that_is_gone() -> None:
    with leash(["/bin/echo", "started"], by_kernel=True) as start:
        command = [word if word != str(os.getpid()) else "1" for word in start.command]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b""
