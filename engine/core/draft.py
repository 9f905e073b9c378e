"""From a batch's answers to the one commit that makes them true.

Answers are added in stream order. Positions and versions are counted here as the commit
script will count them; the window learns each answer at once, so that a repeat within the
batch finds its first. If the commit then fails, all of this is forgotten with its owner.
"""

from collections.abc import Mapping

import msgspec

from engine.core.intake import Received, Refusal
from engine.core.outcome import Outcome, Status
from engine.core.records import Commit, Entry, Head, Letter, NewEvent, Record
from engine.core.rejections import note_of
from engine.core.window import NO_DETAIL, First, Window

NOTHING_TO_SAY = b"{}"
"""An outcome's ``detail`` where there is nothing to add."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was decided about a command: a status, its ``detail``, the events that follow.

    ``of_id`` says whether this is what the command's id means from now on. What was refused
    because of its id, or has no usable one, says nothing of it; such an outcome's ``digest``
    is empty, so that whoever loads it later knows that too.
    """

    status: Status
    detail: bytes = NOTHING_TO_SAY
    events: tuple[NewEvent, ...] = ()
    of_id: bool = True


class Repeat(msgspec.Struct, frozen=True):
    """Stands for the answer to an id that was answered before, perhaps in the same batch."""


REPEAT = Repeat()


def refused(refusal: Refusal, *, of_id: bool = True) -> Answer:
    """The answer no, with its reason."""
    return Answer(Status.REJECTED, refusal.detail(), of_id=of_id)


class Draft:
    """One commit as it grows.

    ``versions`` holds the version of each aggregate that was loaded, before the batch.
    """

    def __init__(
        self, head: Head, window: Window, versions: Mapping[str, int], partition: int
    ) -> None:
        self._head, self._window, self._partition = head, window, partition
        self._before = versions
        self.versions = dict(versions)
        """The version of each aggregate, with what was added so far."""
        self._touched: dict[str, int] = {}
        self._records: list[Record] = []
        self._letters: list[Letter] = []
        self._position = head.position
        self.event_count = 0
        """Events so far: each costs the script some microseconds."""
        self.event_bytes = 0
        self.replies: list[tuple[str, Outcome]] = []
        """Whom to tell, once it is true, by the name of their list."""

    def add(self, received: Received, answer: Answer | Repeat) -> None:
        """Add a command's answer; a repeat is answered by its first outcome."""
        if isinstance(answer, Repeat):
            self._add_repeat(received)
            return
        if answer.events:
            aggregate = received.aggregate
            self._touched.setdefault(aggregate, self._before[aggregate])
            self.versions[aggregate] += len(answer.events)
            self._position += len(answer.events)
            self.event_count += len(answer.events)
            self.event_bytes += sum([len(event.data) for event in answer.events])
        note = self._note(received, answer)
        version = self.versions.get(received.aggregate, 0)
        self._window.remember(received, self._first_of(received, answer, version))
        self._record(received, answer, version, note)

    def bury(self, entry: Entry, answer: Answer | Repeat, attempts: int) -> None:
        """Keep a command that failed as a dead letter, in the same step as its outcome."""
        if isinstance(answer, Answer) and answer.status is Status.FAILED:
            said = msgspec.json.decode(answer.detail)
            self._letters.append(Letter(entry, said["code"], said["message"], attempts))

    def commit(self) -> Commit:
        """The commit, after which ``head`` is what it will have made it."""
        head = self._head
        commit = Commit(
            number=head.commit,
            command=self._records[-1].entry,
            position=head.position,
            branch=head.branch,
            versions=self._touched,
            records=self._records,
            letters=self._letters,
        )
        head.commit += 1
        head.command, head.position = commit.command, self._position
        return commit

    def _add_repeat(self, received: Received) -> None:
        """Answer an id that was answered before, perhaps earlier in this batch."""
        first = self._window.first(received)
        refusal = self._window.refusal(received, first)
        if refusal is not None or first is None:
            why = refusal or Refusal("id_reused", "the id was used before")
            answer = refused(why, of_id=False)
            note = self._note(received, answer)
            self._window.remember(received, None)
            self._record(received, answer, self.versions.get(received.aggregate, 0), note)
            return
        self._window.repeated(received)
        said = {
            "entry": first.entry,
            "status": first.status,
            "version": first.version,
            "position": first.position,
            **first.detail,
        }
        detail = msgspec.json.encode({"first": said})
        self._record(received, Answer(Status.DUPLICATE, detail), first.version)

    def _note(self, received: Received, answer: Answer) -> NewEvent | None:
        """What the log says of a command from inside that was refused."""
        if received.cause is None:
            return None
        note = note_of(received, answer.status, answer.detail)
        if note is not None:
            self._position += 1
            self.event_count += 1
        return note

    def _record(
        self, received: Received, answer: Answer, version: int, note: NewEvent | None = None
    ) -> None:
        self._records.append(
            Record(
                received.entry,
                received.raw_id,
                answer.status,
                received.raw_aggregate,
                version,
                received.digest if answer.of_id else "",
                answer.detail,
                answer.events,
                note,
            )
        )
        if received.meta.reply is not None:
            self.replies.append((received.meta.reply, self._outcome(received, answer, version)))

    def _first_of(self, received: Received, answer: Answer, version: int) -> First | None:
        """What a repeat of this id will be told; None where the answer says nothing of the id."""
        if not (received.addressed and answer.of_id):
            return None
        quiet = answer.detail is NOTHING_TO_SAY
        detail = NO_DETAIL if quiet else msgspec.json.decode(answer.detail)
        return First(
            received.entry, answer.status, version, self._position, received.digest, detail
        )

    def _outcome(self, received: Received, answer: Answer, version: int) -> Outcome:
        return Outcome(
            entry=received.entry,
            id=received.raw_id.decode(errors="replace"),
            status=answer.status,
            aggregate=received.raw_aggregate.decode(errors="replace"),
            version=version,
            position=self._position,
            partition=self._partition,
            branch=self._head.branch,
            digest=received.digest,
            detail=msgspec.json.decode(answer.detail),
        )
