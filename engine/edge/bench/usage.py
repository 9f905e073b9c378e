"""What processes of ours have used so far, as the kernel counts it."""

import os
from pathlib import Path

from engine.core.errors import Unfit

_UTIME, _STIME = 11, 12
"""Of the fields behind the name in ``/proc/PID/stat``: time in the program and in the kernel."""


def cpu_seconds(pid: int) -> float:
    """The CPU seconds of a process with all its threads, in hundredths; raises `Unfit`."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / os.sysconf("SC_CLK_TCK")


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had in use at once; raises `Unfit`."""
    return _status_bytes(pid, "VmHWM:")


def resident_bytes(pid: int) -> int:
    """The memory that a process has in use now; raises `Unfit`."""
    return _status_bytes(pid, "VmRSS:")


def _status_bytes(pid: int, name: str) -> int:
    lines = _read(pid, "status").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError as error:
        raise Unfit(
            f"what process {pid} has used cannot be read ({error.strerror} in /proc): it has "
            f"ended, or this is no Linux, where alone this part can be measured"
        ) from error
