"""Outcomes by themselves: readable, in order, on a branch, and one answer to one id."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from engine.core.audit.ends import Names
from engine.core.audit.findings import Finding
from engine.core.audit.late import Deferred, place_of
from engine.core.branches import Branch
from engine.core.codec import outcome_of
from engine.core.ids import stream_order
from engine.core.outcome import Outcome, Status
from engine.core.records import Entry

_REPEATED = ("entry", "status", "version", "position")
"""What a duplicate must say of the outcome that it repeats."""


def position_of(outcome: Entry) -> int:
    """The position that an outcome names; 0 where it names none."""
    said = outcome.fields.get(b"position", b"")
    return int(said) if said.isdigit() else 0


def _order(id: str) -> tuple[int, int]:
    """The order of what should be a stream id; lower than all where it is none."""
    try:
        return stream_order(id)
    except ValueError:
        return 0, 0


class _Reached(msgspec.Struct):
    """How far one of the two streams of outcomes was read."""

    id: str = "0-0"
    position: int = 0
    branch: int = 0


class Answers:
    """One partition's outcomes, given in order, and late ones in between as they were committed.

    A finding may be about a forgotten outcome.

    ``excused`` holds findings beside the outcome whose absence they complain of: they
    are void once that outcome has left the window.
    """

    def __init__(self, names: Names, branches: Sequence[Branch], forgotten: str) -> None:
        self._names, self._branches = names, branches
        self._forgotten = stream_order(forgotten)
        self._firsts: dict[tuple[str, str], Outcome] = {}
        self._deferred = Deferred(names, forgotten)
        self._reached = {names.outcomes: _Reached(), names.late: _Reached()}
        self.seen: set[str] = set()
        self.findings: list[Finding] = []
        self.excusable: list[tuple[str, Finding]] = []

    def take(self, entry: Entry) -> Outcome | None:
        """Judge the next outcome; None where it cannot be read."""
        at = self._names.late if b"of" in entry.fields else self._names.outcomes
        if at == self._names.outcomes:
            self.seen.add(entry.id)
        reached = self._reached[at]
        try:
            outcome = outcome_of(entry, self._names.partition)
            stream_order(outcome.entry)
        except (KeyError, ValueError, msgspec.DecodeError) as error:
            self._fault("outcome_entry", entry, "an outcome as commits write it", f"{error!r}")
            return None
        if stream_order(entry.id) <= stream_order(reached.id):
            self._fault("outcome_order", entry, f"an id above {reached.id}", entry.id)
        if outcome.position < reached.position:
            expected = f"position {reached.position} or more"
            self._fault("outcome_position", entry, expected, f"position {outcome.position}")
        reached.id, reached.position = entry.id, max(outcome.position, reached.position)
        self._judge_branch(outcome, reached)
        if outcome.late:
            self.findings += self._deferred.settle(outcome)
        if outcome.status is Status.DEFERRED:
            self._deferred.note(outcome)
        elif outcome.digest and outcome.id != outcome.entry:
            self._judge_answer(outcome)
        return outcome

    def precedes(self, outcome: Entry, late: Entry, due: str) -> bool:
        """Whether a late outcome is to be judged before the next other one.

        It is if its position is lower. Of two at one position only the first can have events,
        ``due`` is whose came last; and a late one stands behind its command's deferral.
        """
        first, second = position_of(late), position_of(outcome)
        of = late.fields.get(b"of", b"").decode(errors="replace")
        is_deferred = of in self.seen or _order(of) <= self._forgotten
        return first < second or (first == second and outcome.id != due and is_deferred)

    def end(self, waiting: Collection[str]) -> None:
        """There are no more outcomes, and these commands wait."""
        self.excusable += self._deferred.end(waiting)

    def _judge_branch(self, outcome: Outcome, reached: "_Reached") -> None:
        """On a branch that was begun, not on one before the last outcome's, within its reach."""
        known = [branch.name for branch in self._branches]
        if outcome.branch not in known:
            expected = f"one of the branches {', '.join(known) or 'that there are not'}"
            self._fault("outcome_branch", outcome, expected, outcome.branch)
            return
        number = known.index(outcome.branch)
        ends = self._branches[number + 1].since if number + 1 < len(known) else None
        if number < reached.branch:
            expected = f"branch {known[reached.branch]} or a later one"
            self._fault("outcome_branch", outcome, expected, outcome.branch)
        elif outcome.position < self._branches[number].since:
            expected = f"a position from {self._branches[number].since} on, as its branch"
            self._fault("outcome_branch", outcome, expected, str(outcome.position))
        elif ends is not None and outcome.position > ends:
            expected = f"a position up to {ends}, where branch {known[number + 1]} began"
            self._fault("outcome_branch", outcome, expected, str(outcome.position))
        reached.branch = max(number, reached.branch)

    def _judge_answer(self, outcome: Outcome) -> None:
        """An id has one answer; whatever comes after repeats it."""
        key = (outcome.aggregate, outcome.id)
        first = self._firsts.get(key)
        if outcome.status is not Status.DUPLICATE:
            if first is not None:
                expected = f"a duplicate of {first.entry}, which answered {outcome.id}"
                self._fault("answered_twice", outcome, expected, outcome.status)
            self._firsts[key] = outcome
            return
        said = outcome.detail.get("first")
        if not isinstance(said, dict) or not all(name in said for name in _REPEATED):
            self._fault("duplicate", outcome, "detail.first", f"{outcome.detail}")
        elif first is not None:
            self._judge_repeat(outcome, first, said)
        elif stream_order(str(said["entry"])) > self._forgotten:
            finding = self._finding(
                "duplicate", outcome, "the first outcome of its id in the window",
                f"no outcome {said['entry']} of {outcome.id}",
            )  # fmt: skip
            self.excusable.append((str(said["entry"]), finding))

    def _judge_repeat(self, outcome: Outcome, first: Outcome, said: dict[str, Any]) -> None:
        due = {
            "entry": first.entry,
            "status": first.status.value,
            "version": first.version,
            "position": first.position,
        }
        differing = {name: said[name] for name in due if said[name] != due[name]}
        if differing:
            expected = f"detail.first { ({name: due[name] for name in differing}) }"
            self._fault("duplicate", outcome, expected, f"{differing}")
        if outcome.digest != first.digest:
            expected = f"the digest {first.digest} of {first.entry}"
            self._fault("duplicate", outcome, expected, outcome.digest)

    def _fault(self, check: str, at: Entry | Outcome, expected: str, found: str) -> None:
        self.findings.append(self._finding(check, at, expected, found))

    def _finding(self, check: str, at: Entry | Outcome, expected: str, found: str) -> Finding:
        if isinstance(at, Outcome):
            return Finding(check, *place_of(self._names, at), expected, found)
        key = self._names.late if b"of" in at.fields else self._names.outcomes
        return Finding(check, self._names.partition, key, at.id, expected, found)
