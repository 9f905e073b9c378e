"""Commands that wait to be decided: who is next, who is behind whom, and when to try again.

A command that could not be decided when its turn came is `deferred`: it moves into the waiting
room of its partition, and its aggregate is closed. What comes for that aggregate then queues
up behind it, so that its commands are decided in their order still; everybody else goes on.

The room is as large as two limits say. It knows no clock: times are passed in.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping

import msgspec

from engine.core.ids import stream_ms, stream_order
from engine.core.intake import Received
from engine.core.records import Entry
from engine.core.refusal import Refusal

BUSY = Refusal(
    "busy", "too many commands of this aggregate wait to be decided: submit it again, later"
)
"""The answer where an aggregate's queue is full: nothing is remembered of the command's id."""


class Deferral(msgspec.Struct, frozen=True, gc=False):
    """Stands for the answer to a command that is not decided yet, and says why not."""

    code: str
    message: str
    error: BaseException | None = None

    def detail(self) -> bytes:
        """The reason as an outcome's ``detail``."""
        return msgspec.json.encode({"code": self.code, "message": self.message})


SLOW = Deferral("slow", "its decider has not answered yet")
BEHIND = Deferral("behind", "an earlier command of this aggregate waits to be decided")
RAISED = "raised"
"""The code where a decider raised: that counts as an attempt, and is tried again."""
UNREADABLE = "unreadable"
"""The code where events cannot be read by the code here: the next owner's may, or a mended one."""
ATTEMPTS = (RAISED, UNREADABLE)
"""What counts as an attempt when a command's turn comes."""


class Kept(msgspec.Struct, frozen=True):
    """What stands in Redis of a command that waits, as JSON; ``fields`` are its entry's."""

    tries: int
    since_ms: int
    error: str
    fields: dict[str, str]


_decode = msgspec.json.Decoder(Kept).decode


class Guest(msgspec.Struct):
    """A command that waits; ``tries`` counts attempts that are over."""

    entry: Entry
    received: Received
    since_ms: int
    tries: int = 0
    error: str = ""

    def kept(self) -> bytes:
        """What stands in Redis of it."""
        fields = {name.decode(): value.decode() for name, value in self.entry.fields.items()}
        return msgspec.json.encode(Kept(self.tries, self.since_ms, self.error, fields))


def read_kept(entry: str, raw: bytes) -> tuple[Entry, Kept]:
    """A command that waits, as it was kept, and its entry; raises a msgspec error."""
    kept = _decode(raw)
    fields = {name.encode(): value.encode() for name, value in kept.fields.items()}
    return Entry(entry, fields), kept


class Queue(msgspec.Struct):
    """The commands of one closed aggregate, in order; ``due`` is when to look at the first."""

    aggregate: str
    guests: deque[Guest]
    due: float = 0.0


class Room:
    """The waiting room of one partition."""

    def __init__(self, aggregate_limit: int, limit: int) -> None:
        self._aggregate_limit, self._limit = aggregate_limit, limit
        self.queues: dict[str, Queue] = {}
        """The closed aggregates."""
        self.count = 0
        self._dues: list[tuple[float, str]] = []

    @property
    def is_crowded(self) -> bool:
        """Whether nobody more should come."""
        return self.count >= self._limit

    def is_full_for(self, aggregate: str) -> bool:
        """Whether an aggregate has no room for another command."""
        queue = self.queues.get(aggregate)
        return queue is not None and len(queue.guests) >= self._aggregate_limit

    def admit(self, guest: Guest, due: float) -> None:
        """Let a command in, behind those of its aggregate; the first is looked at when due."""
        aggregate = guest.received.aggregate
        queue = self.queues.get(aggregate)
        if queue is None:
            queue = self.queues[aggregate] = Queue(aggregate, deque())
            self.call(queue, due)
        queue.guests.append(guest)
        self.count += 1

    def dismiss(self, queue: Queue) -> None:
        """Let the first of a queue go; behind the last the aggregate is open again."""
        queue.guests.popleft()
        self.count -= 1
        if not queue.guests:
            del self.queues[queue.aggregate]

    def call(self, queue: Queue, due: float) -> None:
        """Have a queue looked at then, and no more when it was said before."""
        queue.due = due
        heapq.heappush(self._dues, (due, queue.aggregate))

    @property
    def next_due(self) -> float:
        """When the next queue is to be looked at; infinity where none is."""
        while self._dues:
            due, aggregate = self._dues[0]
            queue = self.queues.get(aggregate)
            if queue is not None and queue.due == due:
                return due
            heapq.heappop(self._dues)
        return float("inf")

    def due(self, now: float, count: int) -> Iterator[Queue]:
        """The queues to be looked at now, up to ``count``; each is called once."""
        for _ in range(count):
            if self.next_due > now:
                return
            _, aggregate = heapq.heappop(self._dues)
            queue = self.queues[aggregate]
            queue.due = float("inf")
            yield queue


def in_order(kept: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """What waits, as commands came."""
    return iter(sorted(kept.items(), key=lambda each: stream_order(each[0])))


def next_late(late: str, command: str) -> str:
    """The next id of `late` behind its last one: never below the last command's time."""
    ms, sequence = stream_order(late)
    done = stream_ms(command)
    return f"{ms}-{sequence + 1}" if ms >= done else f"{done}-0"
