"""Deferred commands: each waits, or has one late outcome, and never both."""

from collections.abc import Collection, Iterator

from engine.core.audit.ends import Names
from engine.core.audit.findings import Finding
from engine.core.ids import stream_order
from engine.core.outcome import Outcome, Status


def place_of(names: Names, outcome: Outcome) -> tuple[int, str, str]:
    """Where an outcome stands: partition, key, id."""
    key = names.late if outcome.late else names.outcomes
    return names.partition, key, outcome.late or outcome.entry


class Deferred:
    """One partition's deferred commands, and their late outcomes, as both are read."""

    def __init__(self, names: Names, forgotten: str) -> None:
        self._names, self._forgotten = names, stream_order(forgotten)
        self._open: dict[str, Outcome] = {}
        self._settled: dict[str, str] = {}

    def note(self, outcome: Outcome) -> None:
        """A command was deferred."""
        if outcome.entry not in self._settled:
            self._open[outcome.entry] = outcome

    def settle(self, late: Outcome) -> Iterator[Finding]:
        """Judge a late outcome."""
        of = late.entry
        if of in self._settled:
            expected = f"no other outcome than {self._settled[of]} of {of}"
            yield self._finding("answered_twice", late.late, expected, late.status)
        self._settled[of] = late.late
        deferred = self._open.pop(of, None)
        if deferred is None:
            if stream_order(of) > self._forgotten:
                yield self._finding(
                    "late_stray", late.late, f"{of} to be deferred", "no such thing"
                )
            return
        for name in ("id", "aggregate", "digest"):
            due, said = getattr(deferred, name), getattr(late, name)
            if due != said and not (name == "digest" and _says_nothing_of_its_id(late)):
                yield self._finding("late_differs", late.late, f"{name} {due}, as {of}", said)

    def end(self, waiting: Collection[str]) -> Iterator[tuple[str, Finding]]:
        """What is wrong with those that wait; void once that outcome has left the window."""
        for of in self._open.keys() - waiting:
            expected = "it to wait, or a late outcome"
            yield (
                of,
                Finding(
                    "deferred_lost",
                    self._names.partition,
                    self._names.outcomes,
                    of,
                    expected,
                    "neither",
                ),
            )
        for of in self._settled.keys() & waiting:
            expected = f"nothing, as {self._settled[of]} is its late outcome"
            place = self._names.partition, self._names.waiting, of
            yield of, Finding("waits_answered", *place, expected, "it there")

    def _finding(self, check: str, id: str, expected: str, found: str) -> Finding:
        return Finding(check, self._names.partition, self._names.late, id, expected, found)


def _says_nothing_of_its_id(late: Outcome) -> bool:
    """Whether it is a refusal that leaves open what its id means: of a stale timer, say."""
    return late.status is Status.REJECTED and not late.digest
