"""Commands under way: from a client's call to the one outcome that answers it.

Hundreds of callers share one session: commands go out in the order of the calls over one
connection, and one reader per partition in use takes the outcomes off another.

When the session breaks, what was under way has an unknown fate. Each such command is
submitted again, in the same order and with the same id, on the next session: it has its
effect once, whatever became of the first attempt.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping

import anyio
from anyio.abc import TaskGroup

from engine.core.codec import outcome_of
from engine.core.errors import Refused, SemelError
from engine.core.ids import CLOCK_LIMIT_MS, just_below, stream_ms, stream_order
from engine.core.outcome import Outcome, Status
from engine.core.ports import Feed, Session
from engine.core.records import Entry
from engine.core.routing import partition_of
from engine.edge.submission import Submission, time_below

LINGER_SECONDS = 2.0
"""How long a partition's outcomes are read after the last one that was wanted."""

AGAIN_LIMIT = 5
"""How often one command is submitted again on one session before its caller is told."""

MENDED_MS = 10_000
"""So long ago at the most was a command added whose partition begins to be watched: where
its id lies in the future, its outcome is looked for from then on."""


class Dispatch:
    """All commands of one client that have no outcome yet; they outlive sessions."""

    def __init__(self) -> None:
        self._unanswered: dict[Submission, None] = {}
        self._by_id: dict[str, dict[Submission, None]] = {}
        self._sent: dict[int, OrderedDict[Submission, None]] = {}
        """By partition those that stand in its stream, in its order, and wait for an outcome."""
        self._watched: set[str] = set()
        self._session: Session | None = None
        self._feed: Feed | None = None
        self._tasks: TaskGroup | None = None
        self._changed = anyio.Event()

    async def work(self, session: Session) -> None:
        """Serve on one session until it breaks; first submit again what has no outcome."""
        self._feed = await session.feed()
        async with anyio.create_task_group() as tasks:
            self._session, self._tasks = session, tasks
            self._sent.clear()
            self._watched.clear()
            for waiting in list(self._unanswered):
                self._send(waiting)
            self._changed.set()
            self._changed = anyio.Event()
            try:
                await anyio.sleep_forever()
            finally:
                self._session, self._tasks = None, None

    async def session(self, after: Session | None = None) -> Session:
        """The session of now, waiting for one; for another one than ``after``, which broke."""
        while self._session is None or self._session is after:
            await self._changed.wait()
        return self._session

    async def submit(
        self, aggregate: str, id: str, fields: Mapping[str, bytes], seconds: float
    ) -> Outcome:
        """Submit a command and wait for its outcome.

        Raises `Unknown` when none came in time, and `Unavailable` when Redis refused it.
        """
        waiting = self.begin(aggregate, id, fields, seconds)
        try:
            return await self.outcome(waiting)
        finally:
            self.end(waiting)

    def begin(
        self, aggregate: str, id: str, fields: Mapping[str, bytes], seconds: float
    ) -> Submission:
        """Submit a command, and wait for nothing; whoever begins one has to `end` it."""
        waiting = Submission(aggregate, id, fields, seconds)
        self._unanswered[waiting] = None
        self._by_id.setdefault(id, {})[waiting] = None
        self._send(waiting)
        return waiting

    async def outcome(self, waiting: Submission) -> Outcome:
        """Wait for the outcome of a command that was begun; raises as `submit`."""
        with anyio.move_on_at(waiting.deadline):
            await waiting.answered.wait()
        if waiting.answer is None:
            raise waiting.unanswered()
        if isinstance(waiting.answer, SemelError):
            raise waiting.answer
        return waiting.answer

    def end(self, waiting: Submission) -> None:
        """Forget a command, answered or not: nobody waits for it any more."""
        self._settle(waiting)
        waiting.fields = {}
        same = self._by_id.get(waiting.id, {})
        same.pop(waiting, None)
        if not same:
            self._by_id.pop(waiting.id, None)

    def _settle(self, waiting: Submission) -> None:
        """An outcome is not wanted any more."""
        self._unanswered.pop(waiting, None)
        if waiting.partition in self._sent:
            self._sent[waiting.partition].pop(waiting, None)

    def _send(self, waiting: Submission) -> None:
        """Add the command to its stream, now or when the next session begins."""
        waiting.forget()
        if self._session is not None:
            waiting.partition = partition_of(waiting.aggregate, self._session.partitions)
            self._session.submit(
                waiting.partition, waiting.fields, lambda told: self._told(waiting, told)
            )

    def _told(self, waiting: Submission, told: str | SemelError) -> None:
        """Redis answered: the command stands in its stream, or was refused."""
        if waiting not in self._unanswered:
            return
        if not isinstance(told, str):
            self._answer(waiting, told)
            return
        waiting.entry = told
        self._sent.setdefault(waiting.partition, OrderedDict())[waiting] = None
        for early in waiting.early.values():
            if waiting.is_answered_by(early):
                self._learn(waiting, early)
        if waiting.answer is None:
            self._watch("outcomes", waiting.partition, told)

    def _watch(self, stream: str, partition: int, first: str) -> None:
        """See to it that a partition's outcomes, or late ones, are read."""
        watched = f"{stream} {partition}"
        if watched not in self._watched and self._tasks is not None:
            self._watched.add(watched)
            self._tasks.start_soon(self._read, stream, partition, first)

    async def _read(self, stream: str, partition: int, first: str) -> None:
        """Take outcomes as they come, from just below the first one wanted."""
        session = await self.session()
        if self._feed is None:
            return
        if stream == "late":
            key, after, take = session.late_key(partition), time_below(first), self._take_late
        else:
            after = await _below(session, first)
            key, take = session.outcomes_key(partition), self._take
        subscription = self._feed.subscribe(key, after)
        needed = anyio.current_time()
        while True:
            for entry in await subscription.take(LINGER_SECONDS) or ():
                take(partition, entry)
            if self._needs(stream, partition):
                needed = anyio.current_time()
            elif anyio.current_time() - needed >= LINGER_SECONDS:
                self._watched.discard(f"{stream} {partition}")
                subscription.close()
                return

    def _needs(self, stream: str, partition: int) -> bool:
        """Whether somebody waits for what such a stream may bring."""
        if stream == "outcomes":
            return bool(self._sent.get(partition))
        return any(
            waiting.deferred is not None and waiting.partition == partition
            for waiting in self._unanswered
        )

    def _take_late(self, partition: int, entry: Entry) -> None:
        """A final outcome of a deferred command, whose deferral may not have been read yet."""
        self._share(outcome_of(entry, partition))

    def _take(self, partition: int, entry: Entry) -> None:
        """An outcome: whoever stands before it in the stream has lost his entry."""
        sent = self._sent.get(partition, OrderedDict())
        order = stream_order(entry.id)
        while sent and stream_order(next(iter(sent)).entry) < order:
            self._send_again(sent.popitem(last=False)[0])
        if sent and (waiting := next(iter(sent))).entry == entry.id:
            del sent[waiting]
            outcome = outcome_of(entry, partition)
            if outcome.id == waiting.id:
                self._learn(waiting, outcome)
            else:
                self._send_again(waiting)
            return
        if entry.fields[b"id"].decode(errors="replace") in self._by_id:
            self._share(outcome_of(entry, partition))

    def _share(self, outcome: Outcome) -> None:
        """Give an outcome to those whose command id it is about."""
        for waiting in self._by_id.get(outcome.id, ()):
            if not waiting.entry:
                waiting.keep(outcome)
            elif waiting.is_answered_by(outcome):
                self._learn(waiting, outcome)

    def _learn(self, waiting: Submission, outcome: Outcome) -> None:
        """A command has its outcome, unless that is to come late."""
        if outcome.status is not Status.DEFERRED:
            self._answer(waiting, outcome)
        elif waiting.answer is None:
            waiting.entry, waiting.deferred = outcome.entry, outcome
            self._watch("late", waiting.partition, outcome.entry)

    def _send_again(self, waiting: Submission) -> None:
        """A command's entry is gone, or somebody else's: submit it once more, within reason."""
        waiting.sent_again += 1
        if waiting.sent_again > AGAIN_LIMIT:
            self._answer(waiting, waiting.lost())
        else:
            self._send(waiting)

    def _answer(self, waiting: Submission, answer: Outcome | SemelError) -> None:
        waiting.answer = answer
        self._settle(waiting)
        waiting.answered.set()


async def _below(session: Session, first: str) -> str:
    """From where on a partition's outcomes are read, of which an entry's is the first wanted."""
    if stream_ms(first) > time.time() * 1000 + CLOCK_LIMIT_MS:
        # Its id lies in the future, or our clock is behind: Redis's own can tell.
        try:
            now = await session.now_ms()
        except Refused:
            return just_below(first)
        if stream_ms(first) > now + CLOCK_LIMIT_MS:
            return f"{now - MENDED_MS}-0"
    return just_below(first)
