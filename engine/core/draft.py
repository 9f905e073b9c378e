"""From a batch's answers to the one commit that makes them true.

Answers are added in stream order. Positions and versions are counted here as the commit
script will count them; the window learns each answer at once, so that a repeat within the
batch finds its first. If the commit then fails, all of this is forgotten with its owner.
"""

from collections.abc import Mapping

import msgspec

from engine.core.firing import TimerWrite
from engine.core.intake import Received
from engine.core.outcome import Outcome, Status
from engine.core.records import Commit, Entry, Head, Letter, NewEvent, Record, Waits
from engine.core.refusal import Refusal
from engine.core.rejections import is_noted, note_of
from engine.core.waiting import next_late
from engine.core.window import NO_DETAIL, First, Window

NOTHING_TO_SAY = b"{}"
"""An outcome's ``detail`` where there is nothing to add."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was decided about a command: a status, its ``detail``, events and timers that follow.

    ``of_id`` says whether this is what the command's id means from now on. What was refused
    because of its id, or has no usable one, says nothing of it; such an outcome's ``digest``
    is empty, so that whoever loads it later knows that too.
    """

    status: Status
    detail: bytes = NOTHING_TO_SAY
    events: tuple[NewEvent, ...] = ()
    of_id: bool = True
    traceback: str = ""
    timers: tuple[TimerWrite, ...] = ()


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
        self._timers: list[TimerWrite] = []
        self._kept: dict[str, bytes] = {}
        self._late: dict[str, Record] = {}
        self._position = head.position
        self.event_count = 0
        """Events and timers so far: each costs the script some microseconds."""
        self.event_bytes = 0
        self.replies: list[tuple[str, Outcome]] = []
        """Whom to tell, once it is true, by the name of their list."""

    def add(self, received: Received, answer: Answer | Repeat) -> None:
        """Add a command's answer; a repeat is answered by its first outcome."""
        if isinstance(answer, Repeat):
            answer, version = self._repeated(received)
            if answer.status is Status.DUPLICATE:
                self._window.repeated(received)
            else:
                self._window.remember(received, None)
        else:
            version = self._count(received, answer)
            self._window.remember(received, self._first_of(received, answer, version))
        self._records.append(self._record(received, answer, version))

    def defer(self, received: Received, why: bytes, kept: bytes) -> None:
        """Say of a command that it is not decided, and keep what has to be known of it."""
        answer = Answer(Status.DEFERRED, why)
        version = self._count(received, answer)
        first = First(
            received.entry, Status.DEFERRED, version, self._position, received.digest, NO_DETAIL
        )
        self._window.defer(received, first)
        self._kept[received.entry] = kept
        self._records.append(self._record(received, answer, version))

    def try_again(self, entry: str, kept: bytes) -> None:
        """Note that a command was tried in vain, and waits on."""
        self._kept[entry] = kept

    def settle(self, received: Received, answer: Answer | Repeat) -> None:
        """Add the final answer to a command that waited; those are in commits of their own."""
        late = next_late(next(reversed(self._late), self._head.late), self._head.command)
        if isinstance(answer, Repeat):
            answer, version = self._repeated(received)
            self._window.settle(received, late, None)
        else:
            version = self._count(received, answer)
            self._window.settle(received, late, self._first_of(received, answer, version))
        self._late[late] = self._record(received, answer, version, late)

    def is_full(self, events: int, size: int) -> bool:
        """Whether it has as many events, or bytes of them, as one script should write."""
        return self.event_count >= events or self.event_bytes >= size

    def bury(self, entry: Entry, answer: Answer, attempts: int) -> None:
        """Keep a command that failed as a dead letter, in the same step as its outcome."""
        said = msgspec.json.decode(answer.detail)
        self._letters.append(
            Letter(entry, said["code"], said["message"], attempts, answer.traceback)
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self._records or self._late or self._kept)

    def commit(self) -> Commit:
        """The commit, after which ``head`` is what it will have made it."""
        head = self._head
        is_late = self._late or self._kept
        commit = Commit(
            number=head.commit,
            command=self._records[-1].entry if self._records else head.command,
            position=head.position,
            branch=head.branch,
            versions=self._touched,
            records=self._records,
            letters=self._letters,
            waits=Waits(self._kept, self._late, head.late) if is_late else None,
            timers=self._timers,
        )
        head.commit += 1
        head.command, head.position = commit.command, self._position
        head.late = next(reversed(self._late), head.late)
        return commit

    def _count(self, received: Received, answer: Answer) -> int:
        """Count what the log gets of a command; returns its aggregate's version then."""
        if answer.events:
            aggregate = received.aggregate
            self._touched.setdefault(aggregate, self._before[aggregate])
            self.versions[aggregate] += len(answer.events)
            self._position += len(answer.events)
            self.event_count += len(answer.events)
            self.event_bytes += sum([len(event.data) for event in answer.events])
        elif received.cause is not None and is_noted(received, answer.status):
            self._position += 1
            self.event_count += 1
        if received.fired is not None or answer.timers:
            self._count_timers(received, answer)
        return self.versions.get(received.aggregate, 0)

    def _count_timers(self, received: Received, answer: Answer) -> None:
        """A timer's command is handled, whatever the answer; then what follows from that."""
        if received.fired is not None and answer.status is not Status.DEFERRED:
            self._timers.append(TimerWrite(received.fired.key, number=received.fired.number))
        self._timers += answer.timers
        self.event_count += len(answer.timers)
        self.event_bytes += sum([len(write.timer.data) for write in answer.timers if write.timer])

    def _repeated(self, received: Received) -> tuple[Answer, int]:
        """The answer to an id that was answered before, perhaps earlier in this batch."""
        first = self._window.first(received)
        refusal = self._window.refusal(received, first)
        if refusal is not None or first is None:
            why = refusal or Refusal("id_reused", "the id was used before")
            answer = refused(why, of_id=False)
            return answer, self._count(received, answer)
        said = {
            "entry": first.entry,
            "status": first.status,
            "version": first.version,
            "position": first.position,
            **first.detail,
        }
        detail = msgspec.json.encode({"first": said})
        return Answer(Status.DUPLICATE, detail), first.version

    def _record(self, received: Received, answer: Answer, version: int, late: str = "") -> Record:
        if received.meta.reply is not None and answer.status is not Status.DEFERRED:
            outcome = self._outcome(received, answer, version, late)
            self.replies.append((received.meta.reply, outcome))
        return Record(
            received.entry,
            received.raw_id,
            answer.status,
            received.raw_aggregate,
            version,
            received.digest if answer.of_id else "",
            answer.detail,
            answer.events,
            note_of(received, answer.status, answer.detail) if received.cause is not None else None,
        )

    def _first_of(self, received: Received, answer: Answer, version: int) -> First | None:
        """What a repeat of this id will be told; None where the answer says nothing of the id."""
        if not (received.addressed and answer.of_id):
            return None
        quiet = answer.detail is NOTHING_TO_SAY
        detail = NO_DETAIL if quiet else msgspec.json.decode(answer.detail)
        return First(
            received.entry, answer.status, version, self._position, received.digest, detail
        )

    def _outcome(self, received: Received, answer: Answer, version: int, late: str) -> Outcome:
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
            late=late,
        )
