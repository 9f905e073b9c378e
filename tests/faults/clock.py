"""The server's clock, which can be stepped where this machine has libfaketime.

Clients and engines keep the machine's own clock. So a step is also a difference between
theirs and Redis's, up to what ``id_skew_seconds`` allows for.
"""

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

CACHE_SECONDS = 1
"""How soon libfaketime looks again: its shortest. A step takes as long to arrive."""

STEP_SECONDS = 4.0
"""Steps go so far each way, and two in a row stay within the default skew of ten."""


@cache
def library() -> Path | None:
    """Where libfaketime is (Debian's package ``faketime``); None where it is not."""
    program = shutil.which("faketime")
    if program is None:
        return None
    places = Path(program).parent.parent.glob("lib*/**/faketime/libfaketime.so.1")
    return next(places, None)


class Clock:
    """How far the server's clock is from the machine's, kept in a file that the server reads."""

    def __init__(self, place: Path) -> None:
        self._file = place / "clock"
        self.step(0)

    def step(self, seconds: float) -> None:
        """Set the difference."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+.3f}\n")
        new.replace(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a server keep this clock."""
        if (found := library()) is None:
            return {}
        return {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(CACHE_SECONDS),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
