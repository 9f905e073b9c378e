"""The command line: what a test types, in this process or in one of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from typer.testing import CliRunner

from engine.edge.cli.verbs import app

ROOT = Path(__file__).parents[2]


class Said(NamedTuple):
    """How a verb ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The data of the envelope that stdout is."""
        envelope = json.loads(self.out)
        assert envelope.keys() == {"version", "data", "errors"}
        assert envelope["version"] == 1
        return envelope["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The errors of the envelope that stdout is."""
        errors: list[dict[str, Any]] = json.loads(self.out)["errors"]
        return errors

    @property
    def lines(self) -> list[Any]:
        """The lines of JSONL that stdout is."""
        return [json.loads(line) for line in self.out.splitlines()]


class Daemon:
    """``semel run`` or ``semel project``, under way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def logged(self, event: str) -> dict[str, Any]:
        """Wait until the daemon logs an event; returns it."""
        assert self._process.stderr is not None
        seen = []
        for line in self._process.stderr:
            seen.append(line)
            if line.startswith("{") and json.loads(line)["event"] == event:
                said: dict[str, Any] = json.loads(line)
                return said
        raise AssertionError(f"it ended before {event}: {''.join(seen)}")

    def says(self, text: str) -> str:
        """Wait until it says something to whoever sits there; returns that line."""
        assert self._process.stderr is not None
        seen = []
        for line in self._process.stderr:
            seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"it ended before it said {text!r}: {''.join(seen)}")

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def told(self, text: str) -> None:
        """Write to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def shown(self) -> Iterator[str]:
        """Lines on stdout as they come."""
        assert self._process.stdout is not None
        for line in self._process.stdout:  # noqa: UP028 -- `yield from` would close it in the end
            yield line

    def hang_up(self) -> None:
        """Read its stdout no more."""
        assert self._process.stdout is not None
        self._process.stdout.close()

    def send(self, number: signal.Signals) -> None:
        """Send a signal and go on."""
        self._process.send_signal(number)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> Said:
        """Send a signal and wait for the end."""
        self._process.send_signal(how)
        return self.end()

    def end(self) -> Said:
        """Wait for the end."""
        out, err = self._process.communicate()
        return Said(self._process.returncode, out, err)


class Semel(NamedTuple):
    """The command line, on one namespace of one server; its processes' domain is in ``home``."""

    redis: str
    namespace: str
    home: Path = ROOT

    def run(self, *words: str, stdin: bytes = b"", **environment: str) -> Said:
        """Run a verb in this process: most tests need no more, and there are many."""
        logging = structlog.get_config()
        try:
            ended = CliRunner().invoke(app, words, stdin, self._env(environment), prog_name="semel")
        finally:
            structlog.configure(**logging)
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Said(ended.exit_code, ended.stdout, ended.stderr)

    def process(self, *words: str, stdin: bytes = b"", **environment: str) -> Said:
        """Run a verb as people do, in a process of its own."""
        ended = subprocess.run(
            [sys.executable, "-m", "engine.edge.cli", *words],
            input=stdin, capture_output=True, check=False,
            cwd=self.home, env=self._env(environment),
        )  # fmt: skip
        return Said(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    @contextmanager
    def daemon(self, *words: str, **environment: str) -> Iterator[Daemon]:
        """A verb that runs until it is stopped; killed at the end, if it has not been."""
        with subprocess.Popen(
            [sys.executable, "-m", "engine.edge.cli", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=self.home, env=self._env(environment),
        ) as process:  # fmt: skip
            try:
                yield Daemon(process)
            finally:
                process.kill()

    @contextmanager
    def served(self) -> Iterator[None]:
        """An engine node and a projection worker, until the end."""
        with self.daemon("run") as engine, self.daemon("project") as worker:
            engine.logged("engine.started")
            worker.logged("worker.started")
            yield

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        return {
            **os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error",
            "SEMEL_REDIS": self.redis, "SEMEL_NAMESPACE": self.namespace, **more,
        }  # fmt: skip
