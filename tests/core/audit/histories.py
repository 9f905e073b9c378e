"""Hand-made logs and outcomes: what a partition's commits would have written."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from engine.core.audit.answers import Answers
from engine.core.audit.ends import Names
from engine.core.audit.findings import Finding
from engine.core.audit.history import History
from engine.core.branches import Branch
from engine.core.records import Entry

NAMES = Names(0, "head", "log", "outcomes", "commands", "branches", "waiting", "late")
BRANCHES = [Branch("b1", 0, "s")]


def event(
    position: int, aggregate: str, version: int, entry: str, id: str = "", **more: str
) -> Entry:
    """An entry of the log; its command has the stream id ``entry``, and that as id if no other."""
    meta = {"causation": id or entry, "entry": entry, "time": "2026-01-31T12:00:00Z"}
    fields = {
        "aggregate": aggregate,
        "version": str(version),
        "type": "Happened",
        "data": "{}",
        "meta": msgspec.json.encode(meta).decode(),
        **more,
    }
    return Entry(f"{position}-0", {name.encode(): value.encode() for name, value in fields.items()})


def outcome(  # noqa: PLR0913 -- what an outcome says
    entry: str,
    aggregate: str,
    version: int,
    position: int,
    id: str = "",
    status: str = "accepted",
    first: dict[str, Any] | None = None,
    **more: str,
) -> Entry:
    """An entry of the outcomes."""
    fields = {
        "id": id or entry,
        "status": status,
        "aggregate": aggregate,
        "version": str(version),
        "position": str(position),
        "branch": "b1",
        "digest": "d1",
        "detail": msgspec.json.encode({"first": first} if first else {}).decode(),
        **more,
    }
    return Entry(entry, {name.encode(): value.encode() for name, value in fields.items()})


def judged(
    *entries: Entry,
    forgotten: str = "0-0",
    gone: str | None = None,
    partitions: int = 1,
    branches: Sequence[Branch] = BRANCHES,
    waiting: Collection[str] = (),
) -> list[Finding]:
    """What a history comes to: events and outcomes in the order in which they are judged.

    ``gone`` is what has been forgotten when all was read.
    """
    answers = Answers(NAMES, branches, forgotten)
    history = History(NAMES, partitions, forgotten, answers)
    for entry in entries:
        if b"status" in entry.fields:
            history.outcome(entry)
        else:
            history.event(entry)
    history.end()
    answers.end(waiting)
    return history.all_findings(gone or forgotten)


def places(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """The checks that found something, and where."""
    return [(finding.check, finding.id) for finding in findings]
