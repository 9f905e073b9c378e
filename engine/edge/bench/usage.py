"""What processes of ours have used so far, as the kernel counts it."""

import time
from pathlib import Path

from engine.core.errors import Unfit

_CPU_CLOCK = 2
"""Which clock of a process it is: in the program and in the kernel together (Linux's
``CPUCLOCK_SCHED``, as `clock_getcpuclockid` puts it together)."""


def cpu_seconds(pid: int) -> float:
    """The CPU seconds of a process with all its threads; raises `Unfit`."""
    try:
        return time.clock_gettime(~pid << 3 | _CPU_CLOCK)
    except OSError as error:
        raise _unreadable(pid, error) from error


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
        raise _unreadable(pid, error) from error


def _unreadable(pid: int, error: OSError) -> Unfit:
    return Unfit(
        f"what process {pid} has used cannot be read ({error.strerror}): it has ended, or this "
        f"is no Linux, where alone this part can be measured"
    )
