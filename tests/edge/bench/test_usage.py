"""What a process has used, by its own clock."""

import os
import subprocess
import sys
import time

import pytest

from engine.core.errors import Unfit
from engine.edge.bench import usage


def test_a_process_has_used_what_its_own_clock_says() -> None:
    before = time.process_time()
    used = usage.cpu_seconds(os.getpid())
    assert before <= used <= time.process_time()


def test_what_a_process_used_that_has_ended_cannot_be_read() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for read in (usage.cpu_seconds, usage.resident_bytes):
        with pytest.raises(Unfit, match=f"process {ended.pid} .* it has ended"):
            read(ended.pid)
