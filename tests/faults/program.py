"""A program that is started as often as it dies: killed, frozen, thawed, asked to end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.edge.leash import leash
from tests.eventually import eventually

ROOT = Path(__file__).parents[2]


class Program:
    """One place in the cast, whoever fills it now; all of them write one log.

    ``starts`` counts them. ``frozen`` is true from SIGSTOP to SIGCONT.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name, self.log = name, log
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.frozen = False

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The one of now, or the last one."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process

    @property
    def is_up(self) -> bool:
        """Whether it runs, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; it dies with us."""
        assert not self.is_up, f"{self.name} is up already"
        self.starts += 1
        with self.log.open("ab") as log, leash(self._command) as leashed:
            self._process = subprocess.Popen(
                leashed.command, stdin=leashed.stdin, stdout=log, stderr=log, cwd=ROOT,
                env={**os.environ, **self._environment}, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL. Fails when it was dead already: nothing may end by itself."""
        assert self.is_up, f"{self.name} ended by itself: {self.last_words}"
        self.process.kill()
        self.process.wait()
        self.frozen = False

    def freeze(self) -> None:
        """SIGSTOP: it does not know that time passes."""
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was, with what it knew then."""
        self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    def ask_to_end(self) -> None:
        """SIGTERM. Fails when it was dead already."""
        assert self.is_up, f"{self.name} ended by itself: {self.last_words}"
        self.process.terminate()

    async def ended_well(self, seconds: float) -> None:
        """Wait for its end; fails when that takes longer, or is not a clean one."""
        await eventually(lambda: not self.is_up, f"{self.name} ends when it is asked to", seconds)
        code = self.process.returncode
        assert code == 0, f"{self.name} exits {code}: {self.last_words}"

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def semel(*words: str) -> list[str]:
    """A verb of the command line, as a command."""
    return [sys.executable, "-m", "engine.edge.cli", *words]


@contextmanager
def ending(programs: Sequence[Program]) -> Iterator[None]:
    """Leave nothing behind, whatever happens."""
    try:
        yield
    finally:
        for program in programs:
            if program.is_up:
                program.kill()
