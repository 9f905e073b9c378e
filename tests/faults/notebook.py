"""A client's own history: every attempt, written down before it is made and once it has ended."""

import time
from pathlib import Path
from typing import Self

import msgspec

from tests.faults.histories import Attempt, Said
from tests.faults.workload import Wish


class Submission(Attempt, frozen=True):
    """An attempt, and the way that it took: ``sdk``, ``stream`` or ``inbox``."""

    way: str = "sdk"


class Notebook:
    """One client's file; what is written is out of the process at once."""

    def __init__(self, path: Path, client: str) -> None:
        self._file = path.open("ab", buffering=0)
        self._client = client
        self._attempts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def begin(self, way: str, id: str, wish: Wish) -> Submission:
        """Write down what is about to be tried."""
        self._attempts += 1
        now = time.monotonic_ns()
        submission = Submission(self._client, self._attempts, id, *wish, invoked=now, way=way)
        self._write(submission)
        return submission

    def answered(self, submission: Submission, outcome: Said) -> None:
        """Write down the engine's answer."""
        now = time.monotonic_ns()
        self._write(msgspec.structs.replace(submission, returned=now, outcome=outcome))

    def gave_up(self, submission: Submission, error: str) -> None:
        """Write down that there was no answer: the command's fate is unknown."""
        now = time.monotonic_ns()
        self._write(msgspec.structs.replace(submission, returned=now, error=error))

    def _write(self, submission: Submission) -> None:
        self._file.write(msgspec.json.encode(submission) + b"\n")
