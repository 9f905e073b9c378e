"""A process that has a program on the leash and waits to be killed: ``kernel|pipe``."""

import subprocess
import sys

from engine.edge.leash import leash

with (
    leash(["/bin/sleep", "300"], by_kernel=sys.argv[1] == "kernel") as leashed,
    subprocess.Popen(leashed.command, stdin=leashed.stdin) as program,
):
    print(program.pid, flush=True)  # noqa: T201 - the test reads it
    program.wait()
