"""One partition's log beside its outcomes: every effect has its answer, every answer its effect.

Outcomes carry the position that stood when they were committed, so the two streams can be
read side by side: behind one outcome and up to the next lie exactly the next one's events.
Give `History` events and outcomes in that order, and keep nothing.
"""

from typing import NamedTuple

import msgspec

from engine.core.audit.answers import Answers
from engine.core.audit.ends import Names
from engine.core.audit.findings import Finding
from engine.core.audit.late import place_of
from engine.core.codec import logged, read_event_meta
from engine.core.errors import Torn
from engine.core.ids import stream_order, uuid7_ms
from engine.core.messages import EventMeta
from engine.core.outcome import Outcome, Status
from engine.core.records import Entry, LoggedEvent
from engine.core.rejections import NO_VERSION, REJECTED
from engine.core.routing import partition_of

_NEVER_NOTED = (Status.ACCEPTED, Status.DUPLICATE)
"""Outcomes that no note tells of."""


class Effect(NamedTuple):
    """The events of one command: whose, and from which position to which."""

    entry: str
    aggregate: str
    causation: str
    first: int
    last: int
    version: int


class History:
    """Judges one partition; ``versions`` holds each aggregate's version so far."""

    def __init__(self, names: Names, partitions: int, forgotten: str, answers: Answers) -> None:
        self._names, self._partitions = names, partitions
        self._forgotten = stream_order(forgotten)
        self._answers = answers
        self._run: Effect | None = None
        self._entries: dict[str, str] = {}
        self._effects: dict[tuple[str, str], Effect] = {}
        self._unanswered: list[Effect] = []
        self._noted: list[Effect] = []
        self.position = 0
        self.versions: dict[str, int] = {}
        self.findings: list[Finding] = []

    def event(self, entry: Entry) -> LoggedEvent | None:
        """Judge the log's next entry; None where it cannot be read, or is no event but a note."""
        due = self.position + 1
        position, _, rest = entry.id.partition("-")
        if entry.id != f"{due}-0":
            self._fault("log_gap", f"{due}-0", "the next position", f"{entry.id} is next")
        self.position = int(position)
        try:
            event = logged(entry)
            meta = read_event_meta(event.meta)
            stream_order(meta.entry)
        except (Torn, msgspec.DecodeError, ValueError) as error:
            self._fault("log_entry", entry.id, "an event as commits write it", str(error))
            return None
        if rest != "0":
            self._fault("log_entry", entry.id, f"the id {position}-0", entry.id)
        if event.type == REJECTED:
            self._note(event, meta)
            return None
        self._judge_version(entry.id, event)
        self._extend(event, meta.causation, meta.entry)
        return event

    def outcome(self, entry: Entry) -> None:
        """Judge the next outcome, once every event up to its position was given."""
        self._close()
        outcome = self._answers.take(entry)
        if outcome is None:
            return
        self._judge_noted(outcome)
        own = [effect for effect in self._unanswered if effect.entry == outcome.entry]
        self._disown([effect for effect in self._unanswered if effect.entry != outcome.entry])
        self._unanswered = []
        if outcome.status is Status.ACCEPTED:
            self._judge_accepted(outcome, own)
        else:
            for effect in own:
                expected = f"no events of {outcome.entry}, which was {outcome.status}"
                self._fault("effect_of_refused", f"{effect.first}-0", expected, _said(effect))

    @property
    def due(self) -> str:
        """The command whose events came last, if its outcome did not."""
        if self._run is not None:
            return self._run.entry
        return self._noted[-1].entry if self._noted else ""

    def end(self) -> None:
        """There are no more events and no more outcomes."""
        self._close()
        self._disown([*self._unanswered, *self._noted])
        self._unanswered, self._noted = [], []

    def all_findings(self, forgotten: str) -> list[Finding]:
        """What was found, but for what is about outcomes forgotten by now."""
        gone = stream_order(forgotten)
        kept = (finding for id, finding in self._answers.excusable if stream_order(id) > gone)
        return [*self.findings, *self._answers.findings, *kept]

    def _judge_version(self, id: str, event: LoggedEvent) -> None:
        aggregate = event.aggregate
        home = partition_of(aggregate, self._partitions)
        if home != self._names.partition:
            found = f"{aggregate} in partition {self._names.partition}"
            self._fault("wrong_partition", id, f"{aggregate} in partition {home}", found)
        due = self.versions.get(aggregate, 0) + 1
        if event.version != due:
            self._fault(
                "version_gap", id, f"version {due} of {aggregate}", f"version {event.version}"
            )
        self.versions[aggregate] = event.version

    def _note(self, event: LoggedEvent, meta: EventMeta) -> None:
        """What is said of a command that was refused: no effect, and of no version."""
        self._close()
        id, at = f"{event.position}-0", event.position
        if event.version != int(NO_VERSION):
            self._fault("note_version", id, f"a note with version {NO_VERSION}", f"{event.version}")
        if stream_order(meta.entry) > self._forgotten:
            note = Effect(meta.entry, event.aggregate, meta.causation, at, at, event.version)
            self._noted.append(note)

    def _judge_noted(self, outcome: Outcome) -> None:
        """A note tells of a refusal, and of one that is there."""
        noted, self._noted = self._noted, []
        self._disown([note for note in noted if note.entry != outcome.entry])
        for note in noted:
            if note.entry == outcome.entry and outcome.status in _NEVER_NOTED:
                expected = f"no note on {outcome.entry}, which was {outcome.status}"
                self._fault("note_of_accepted", f"{note.first}-0", expected, _said(note))

    def _in_order(self, aggregate: str, id: str, entry: str) -> None:
        """The log has an aggregate's commands in the order in which they came."""
        last = self._entries.get(aggregate, "0-0")
        if stream_order(entry) <= stream_order(last):
            self._fault("log_order", id, f"events of a command behind {last}", f"of {entry}")
        self._entries[aggregate] = entry

    def _extend(self, event: LoggedEvent, causation: str, entry: str) -> None:
        """Another event of the same command, or the first one of the next."""
        run = self._run
        if run is not None and (run.entry, run.aggregate, run.causation) == (
            entry, event.aggregate, causation,
        ):  # fmt: skip
            self._run = run._replace(last=event.position, version=event.version)
            return
        self._close()
        id, key = f"{event.position}-0", (event.aggregate, causation)
        self._run = Effect(
            entry, event.aggregate, causation, event.position, event.position, event.version
        )
        self._in_order(event.aggregate, id, entry)
        first = self._effects.setdefault(key, self._run)
        if first is not self._run and not self._may_run_again(causation, first.entry):
            expected = f"one effect of {causation} on {event.aggregate}, that at {first.first}-0"
            self._fault("doubled", id, expected, f"another, of {entry}")

    def _may_run_again(self, causation: str, first: str) -> bool:
        """Whether an id promises nothing beyond the window, and its first outcome has left it."""
        timeless = uuid7_ms(causation) is None and "/" not in causation
        return timeless and stream_order(first) <= self._forgotten

    def _close(self) -> None:
        """The effect that was growing is complete; remembered if its outcome should be there."""
        if self._run is not None and stream_order(self._run.entry) > self._forgotten:
            self._unanswered.append(self._run)
        self._run = None

    def _disown(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._answers.excusable.append(
                (
                    effect.entry,
                    Finding(
                        "unanswered", self._names.partition, self._names.log, f"{effect.first}-0",
                        f"an outcome {effect.entry} that ends at position {effect.last}",
                        f"none there for {_said(effect)}",
                    ),
                )
            )  # fmt: skip

    def _judge_accepted(self, outcome: Outcome, own: list[Effect]) -> None:
        said = f"version {outcome.version} of {outcome.aggregate} at position {outcome.position}"
        if not own:
            version = self.versions.get(outcome.aggregate, 0)
            if version != outcome.version:
                found = f"version {version} there and no events of {outcome.entry}"
                self._accepted_fault("events_missing", outcome, said, found)
            return
        last = own[-1]
        if (last.aggregate, last.version, last.last) != (
            outcome.aggregate, outcome.version, outcome.position,
        ):  # fmt: skip
            found = f"version {last.version} of {last.aggregate} at position {last.last}"
            self._accepted_fault("outcome_differs", outcome, f"its events to end at {said}", found)
        for effect in own:
            if (effect.aggregate, effect.causation) != (outcome.aggregate, outcome.id):
                expected = f"events of {outcome.id} on {outcome.aggregate}"
                self._fault("cause_differs", f"{effect.first}-0", expected, _said(effect))

    def _accepted_fault(self, check: str, outcome: Outcome, expected: str, found: str) -> None:
        self.findings.append(Finding(check, *place_of(self._names, outcome), expected, found))

    def _fault(self, check: str, id: str, expected: str, found: str) -> None:
        place = self._names.partition, self._names.log, id
        self.findings.append(Finding(check, *place, expected, found))


def _said(effect: Effect) -> str:
    return (
        f"events {effect.first} to {effect.last} of {effect.causation} on {effect.aggregate} "
        f"(entry {effect.entry})"
    )
