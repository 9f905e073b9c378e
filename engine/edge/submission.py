"""One submission of a command: what was sent, and what is known of it."""

from collections.abc import Mapping

import anyio

from engine.core.codec import digest_of, read_meta
from engine.core.errors import Deferred, SemelError, Unknown
from engine.core.ids import CLOCK_LIMIT_MS, just_below, stream_ms
from engine.core.outcome import Outcome, Status


class Submission:
    """What was sent, where it stands now, and who waits for it.

    ``entry`` is its stream id, once Redis has told it; ``early`` keeps outcomes of the
    same command id that were read before that. ``deferred`` is the outcome that is not final.
    It is waited for during so many ``seconds``, until ``deadline`` by the loop's clock.
    """

    __slots__ = (
        "aggregate", "answer", "answered", "deadline", "deferred", "early", "entry", "fields", "id",
        "partition", "seconds", "sent_again",
    )  # fmt: skip

    def __init__(
        self, aggregate: str, id: str, fields: Mapping[str, bytes], seconds: float
    ) -> None:
        self.aggregate, self.id, self.fields = aggregate, id, fields
        self.seconds, self.deadline = seconds, anyio.current_time() + seconds
        self.partition = self.sent_again = 0
        self.entry = ""
        self.early: dict[str, Outcome] = {}
        self.deferred: Outcome | None = None
        self.answer: Outcome | SemelError | None = None
        self.answered = anyio.Event()

    def is_answered_by(self, outcome: Outcome) -> bool:
        """Whether an outcome of this command's id is its own.

        Behind an id that a client set in the future, an entry has an id in the future too. The
        engine adds it again: its outcome then stands under the new id, and is known by what
        it says.
        """
        if self.entry == outcome.entry:
            return True
        if stream_ms(self.entry) <= stream_ms(outcome.entry) + CLOCK_LIMIT_MS:
            return False
        meta, _ = read_meta(self.fields["meta"])
        digest = digest_of(self.fields["type"].decode(), self.fields["data"], meta.expect)
        return (self.aggregate, digest) == (outcome.aggregate, outcome.digest)

    def keep(self, outcome: Outcome) -> None:
        """Keep an outcome that may be its own: a final one rather than one that is not."""
        if outcome.status is Status.DEFERRED and outcome.entry in self.early:
            return
        self.early[outcome.entry] = outcome

    def forget(self) -> None:
        """It is sent again: what was known of the first time is void."""
        self.entry, self.deferred = "", None
        self.early.clear()

    def unanswered(self) -> Unknown:
        """What its sender is told when the time is up."""
        if self.deferred is not None:
            why = self.deferred.detail.get("message", "it could not be decided")
            return Deferred(
                f"command {self.id} is deferred, and had no outcome within {self.seconds:g} s: "
                f"{why}. It is tried again, and will have one: submit it again with the same id "
                f"to ask",
                self.id, self.aggregate, self.entry,
            )  # fmt: skip
        return Unknown(
            f"no outcome of command {self.id} within {self.seconds:g} s: it may still come. "
            f"Is an engine running (semel status)? Submit again with the same id to ask again",
            self.id, self.aggregate, self.entry,
        )  # fmt: skip

    def lost(self) -> Unknown:
        """What its sender is told when its entries went however often it was submitted."""
        return Unknown(f"command {self.id} was lost again and again", self.id, self.aggregate)


def time_below(entry: str) -> str:
    """From where on late outcomes are read, of which a command's is wanted."""
    return just_below(f"{stream_ms(entry)}-0")
