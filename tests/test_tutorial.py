"""The tutorial is done as a reader does it: each file written, each line typed, in order."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from engine.edge.probe import spare_port
from tests.edge.command_line import ROOT, Daemon

PAGE = (ROOT / "docs/tutorial.md").read_text()
STEP = re.compile(r"(?:`([\w/]+\.py)`[^`]*:\n\n)?```(python|sh)\n(.*?)```", re.DOTALL)


class Reader:
    """Somebody who follows the tutorial in a folder of their own."""

    def __init__(self, home: Path, port: int) -> None:
        self._home, self._port = home, port
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        self.said: list[str] = []

    def write(self, name: str, source: str) -> None:
        """Write a file; in one that is there already, change the definitions that come again."""
        path = self._home / name
        path.parent.mkdir(exist_ok=True)
        stands = path.read_text().strip().split("\n\n\n") if path.exists() else []
        changed = {self._named(each): each for each in source.strip().split("\n\n\n")}
        kept = [changed.pop(self._named(each), each) for each in stands]
        path.write_text("\n\n\n".join([*kept, *changed.values()]) + "\n")

    def _named(self, definition: str) -> str:
        return definition.partition("(")[0]

    @contextmanager
    def dev(self, line: str) -> Iterator[None]:
        """Everything on this machine, until it is stopped."""
        words = [sys.executable, "-m", "engine.edge.cli", *self._here(line).split()[1:]]
        with subprocess.Popen(
            words, cwd=self._home, env=self._environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                served = Daemon(process)
                served.says("semel serves 2 commands and 1 projections")
                yield
                served.stop()
            finally:
                process.kill()

    def type(self, lines: str) -> None:
        """Type lines, and keep what each says."""
        told = {"SEMEL_REDIS": f"redis://127.0.0.1:{self._port}"}
        ran = subprocess.run(
            [sys.executable, ROOT / "tests/typist.py"], input=self._here(lines), text=True,
            capture_output=True, check=True, cwd=self._home, env=self._environment | told,
        )  # fmt: skip
        for answer in map(json.loads, ran.stdout.splitlines()):
            assert answer["code"] == 0, answer
            self.said.append(answer["said"])

    def _here(self, line: str) -> str:
        return line.replace("7901", str(self._port))


@pytest.mark.timeout(120)
def test_every_step_does_what_it_says(tmp_path: Path) -> None:
    reader = Reader(tmp_path, spare_port())
    with ExitStack() as running:
        typed = ""
        for name, language, block in [*STEP.findall(PAGE), ("", "sh", "")]:
            if language == "sh" and block and not block.startswith("semel dev"):
                typed += block
                continue
            reader.type(typed)
            typed = ""
            if language == "python":
                reader.write(name, block)
            elif block:
                running.close()
                running.enter_context(reader.dev(block))
    said = iter(reader.said)
    for expected in (
        "accepted", "accepted", "accepted", "open  1", "duplicate of what was accepted",
        "exit 1", "TaskFinished", "open\n1\n", "2 passed", "finished  1", "live",
        "all are alike", "lists@2", "nothing is wrong",
    ):  # fmt: skip
        assert expected in next(said)
