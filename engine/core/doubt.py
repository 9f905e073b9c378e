"""The rule of doubt, as two tables.

What an owner knows is bound to one acquisition of a lease, on one session with one server.
Nothing of it outlives either. So there are two questions, each answered in one place:

What does an error of Redis mean?  `ANSWERS`, by the code that it begins with.
    Some are given before Redis runs anything: the same call may be sent again. Some say that
    this server cannot be ours any more: the session ends, and with it every acquisition on
    it. All others refuse one call, and end the acquisition that made it. A reply that never
    came ends the session too; what became of the call is not asked of memory, and the call is
    never sent again: the next owner reads ``head`` and ``outcomes``.

What follows when an acquisition ended?  `ENDINGS`, by what ended it.
    Whatever it was, the object that knew things is thrown away. The next acquisition has a
    new token, and reads everything anew.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

from engine.core.errors import Fenced, Lost, NotNow, Refused, SemelError, Torn


class Meaning(Enum):
    """What an error reply says about the call, and about those who wait for it."""

    FENCED = auto()
    """Our own script's: somebody else owns this. Nothing was written."""
    TORN = auto()
    """Our own script's: what Redis holds contradicts itself. Nothing was written."""
    LOAD = auto()
    """The script is not there: load it and send the call again, at once."""
    AGAIN = auto()
    """Not run, and that passes: the same call may be sent again, after a pause."""
    AWAY = auto()
    """This server serves us no more: end the session."""
    REFUSED = auto()
    """This call is wrong here, and has done nothing."""


ANSWERS: Mapping[str, Meaning] = MappingProxyType({
    "FENCED": Meaning.FENCED,
    "TORN": Meaning.TORN,
    # A restart or SCRIPT FLUSH empties the cache of scripts.
    "NOSCRIPT": Meaning.LOAD,
    # Somebody's script runs for too long, Redis is full or cannot write to its disk, too few
    # replicas are there, a slot is on its way: an operator mends it, and we go on.
    "BUSY": Meaning.AGAIN,
    "OOM": Meaning.AGAIN,
    "MISCONF": Meaning.AGAIN,
    "NOREPLICAS": Meaning.AGAIN,
    "TRYAGAIN": Meaning.AGAIN,
    "CLUSTERDOWN": Meaning.AGAIN,
    # It restarted and reads its data; it became somebody's replica; the slot went elsewhere.
    # What we know was true on another server, or of this one before.
    "LOADING": Meaning.AWAY,
    "READONLY": Meaning.AWAY,
    "MASTERDOWN": Meaning.AWAY,
    "MOVED": Meaning.AWAY,
    "ASK": Meaning.AWAY,
})  # fmt: skip
"""What each code means; a code that is not here refuses the call."""


def meaning_of(reply: str) -> Meaning:
    """What an error reply says, by its code."""
    return ANSWERS.get(reply.partition(" ")[0], Meaning.REFUSED)


def error_of(reply: str) -> SemelError:
    """An error reply as the error that says what follows from it."""
    said = reply.partition(" ")[2]
    match meaning_of(reply):
        case Meaning.FENCED:
            return Fenced(said)
        case Meaning.TORN:
            return Torn(said)
        case Meaning.AGAIN:
            return NotNow(reply)
        case Meaning.AWAY:
            return Lost(f"the server does not serve us any more: {reply}")
        case _:
            return Refused(reply)


class Ending(NamedTuple):
    """What follows when an acquisition ended: what is logged, how long the lease rests, in s."""

    event: str
    rest: float


ENDINGS: Mapping[type[Exception], Ending] = MappingProxyType({
    # Somebody else owns it now: it is theirs until they give it back. (Or it is still ours,
    # and another commit stood: then we begin anew, after a breath.)
    Fenced: Ending("lease.lost", 0.1),
    # Redis refused a call: whatever the reason, it may be gone soon.
    Refused: Ending("lease.suspended", 1.0),
    # What Redis holds contradicts itself, or our own code failed: an operator must look.
    Torn: Ending("partition.stopped", 30.0),
    Exception: Ending("partition.stopped", 5.0),
})  # fmt: skip


def ending_of(error: Exception) -> Ending:
    """What follows when this ended an acquisition; the nearest kind counts."""
    return next(ending for kind, ending in ENDINGS.items() if isinstance(error, kind))
