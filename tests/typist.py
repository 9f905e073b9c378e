"""Types lines: each that stdin has, in this folder, and tells how it ended as a line of JSON.

Lines of ``semel`` run in this one process, since each of their own would take a second to start.
"""

import json
import shlex
import subprocess
import sys

from typer.testing import CliRunner

from engine.edge.cli.verbs import app


def type_line(line: str) -> tuple[int, str]:
    """Run a line; its exit code, and all that it says."""
    words = shlex.split(line, comments=True)
    if words[0] == "semel" and "||" not in words:
        ended = CliRunner().invoke(app, words[1:], prog_name="semel")
        return ended.exit_code, ended.output
    ran = subprocess.run(["/bin/sh", "-ec", line], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


if __name__ == "__main__":
    for line in sys.stdin:
        code, said = type_line(line)
        sys.stdout.write(json.dumps({"line": line, "code": code, "said": said}) + "\n")
