"""Where a partition stands: its head beside the ends of its streams, and its branches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.core.audit.findings import Finding
from engine.core.branches import Branch
from engine.core.codec import branch_of
from engine.core.ids import stream_order
from engine.core.records import Entry


class Names(NamedTuple):
    """A partition's keys, for findings."""

    partition: int
    head: str
    log: str
    outcomes: str
    commands: str
    branches: str
    waiting: str
    late: str


class Ends(msgspec.Struct, frozen=True):
    """What was read in one step; a stream without entries ends at ``0-0``."""

    head: Mapping[str, str]
    log: str
    outcomes: str
    late: str = "0-0"
    waiting: frozenset[str] = frozenset()

    @property
    def position(self) -> int:
        """The position that the head names."""
        return int(self.head.get("position", 0))

    @property
    def command(self) -> str:
        """The last command that the head names."""
        return self.head.get("command", "0-0")

    @property
    def forgotten(self) -> str:
        """The highest outcome that was trimmed."""
        return self.head.get("forgotten", "0-0")


def judge_ends(names: Names, ends: Ends, partitions: int) -> Iterator[Finding]:
    """Whether the head agrees with the streams that it heads."""
    said = ends.head.get("partitions")
    if said is not None and said != str(partitions):
        yield Finding(
            "head_partitions", names.partition, names.head, "partitions", str(partitions), said
        )
    if ends.log != f"{ends.position}-0":
        yield Finding(
            "head_position", names.partition, names.head, "position",
            f"the log's last entry {ends.log}", str(ends.position),
        )  # fmt: skip
    if ends.outcomes != ends.command:
        yield Finding(
            "head_command", names.partition, names.head, "command",
            f"the last outcome {ends.outcomes}", ends.command,
        )  # fmt: skip
    if ends.late not in ("0-0", ends.head.get("late", "0-0")):
        yield Finding(
            "head_late", names.partition, names.head, "late",
            f"the last late outcome {ends.late}", ends.head.get("late", "nothing"),
        )  # fmt: skip
    if (ends.head.get("commit", "0") == "0") != (ends.command == "0-0"):
        yield Finding(
            "head_commit", names.partition, names.head, "commit",
            "at least 1 behind a command, and none without", ends.head.get("commit", "nothing"),
        )  # fmt: skip
    if stream_order(ends.forgotten) > stream_order(ends.command):
        yield Finding(
            "head_forgotten", names.partition, names.head, "forgotten",
            f"at most the last command {ends.command}", ends.forgotten,
        )  # fmt: skip


def read_branches(
    names: Names, entries: Sequence[Entry], position: int
) -> tuple[list[Branch], list[Finding]]:
    """A partition's branches, and what is wrong with them; ``position`` is the head's."""
    branches: list[Branch] = []
    findings: list[Finding] = []

    def fault(check: str, id: str, expected: str, found: str) -> None:
        findings.append(Finding(check, names.partition, names.branches, id, expected, found))

    lowest = 0
    for entry in entries:
        try:
            branch = branch_of(entry)
        except (KeyError, ValueError):
            fault("branch_entry", entry.id, "branch, from and server", f"{dict(entry.fields)}")
            continue
        if branch.since < lowest:
            fault("branch_from", entry.id, f"from {lowest} or more", f"from {branch.since}")
        if branch.since > position:
            fault("branch_from", entry.id, f"from at most head's {position}", f"{branch.since}")
        if branch.name in {known.name for known in branches}:
            fault("branch_name", entry.id, "a name of its own", branch.name)
        lowest = max(lowest, branch.since)
        branches.append(branch)
    return branches, findings
