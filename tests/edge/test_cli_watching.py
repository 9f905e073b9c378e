"""Looking again and again on a terminal: drawn over what was there, and no more than fits."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

from engine.edge.cli.watching import _fitting
from tests.edge.command_line import ROOT, Semel

LINES, COLUMNS = 5, 40


def test_as_much_is_drawn_as_fits() -> None:
    text = [f"line {n}" for n in range(4)]
    assert list(_fitting(text, 40, 5)) == text
    assert list(_fitting(text, 40, 4)) == ["line 0", "line 1", "… 2 lines more"]
    assert list(_fitting(text, 6, 5)) == text
    assert list(_fitting(text, 5, 5)) == ["line…"] * 4


def test_a_terminal_is_drawn_over_and_left_by_ctrl_c(valkey_url: str, namespace: str) -> None:
    assert Semel(valkey_url, namespace).run("init", "--partitions", "2").code == 0
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "SEMEL_REDIS": valkey_url,
        "SEMEL_NAMESPACE": namespace, "TERM": "xterm",
    }  # fmt: skip
    for name in ("LINES", "COLUMNS"):
        environment.pop(name, None)
    words = ["projection", "list", "--watch", "--interval", "0.1"]
    with subprocess.Popen(
        [sys.executable, "-m", "engine.edge.cli", *words], stdout=theirs, cwd=ROOT, env=environment
    ) as process:
        os.close(theirs)
        try:
            shown = b""
            while shown.count(b"\x1b[H") < 3:
                shown += os.read(ours, 4096)
            process.send_signal(signal.SIGINT)
            assert process.wait() == 0
        finally:
            process.kill()
            os.close(ours)
    screens = shown.decode().split("\x1b[H")[1:-1]
    assert shown.count(b"\x1b[2J") == 1
    for screen in screens:
        lines = screen.replace("\x1b[K", "").partition("\x1b[J")[0].splitlines()
        assert lines[0].startswith("projection  generation  state")
        assert len(lines) < LINES
        assert max(map(len, lines)) <= COLUMNS
