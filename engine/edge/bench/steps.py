"""What stamps of two processes come to: the moments that a command has passed on its way."""

from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise

from engine.edge.bench.tap import Stamp

Moments = Sequence[float]
"""The ends of a command's steps, in their order; when its commit was answered stands last."""


class Seen:
    """Stamps in their order, those of blocked reads apart from those of all else."""

    def __init__(self, stamps: Sequence[Stamp]) -> None:
        readers = {stamp.link for stamp in stamps if stamp.is_read}
        self.woken = [s.at for s in stamps if s.link in readers and not s.is_sent]
        self._sent = [s.at for s in stamps if s.link not in readers and s.is_sent]
        self._answered = [s.at for s in stamps if s.link not in readers and not s.is_sent]

    def trips(self, low: float, high: float) -> list[tuple[float, float]]:
        """Round trips between two moments; none where what was sent and answered do not fit."""
        sent, answered = _between(self._sent, low, high), _between(self._answered, low, high)
        trips = list(zip(sent, answered, strict=False))
        in_turn = all(a <= b for a, b in pairwise([at for trip in trips for at in trip]))
        return trips if len(sent) == len(answered) and in_turn else []


def moments(here: Seen, there: Seen, began: float, ended: float, end: float) -> Moments:
    """Those of a command that was begun and ended then; none where anything else was under way.

    What the engine has to do with it is over by ``end``.
    """
    adds, reads = here.trips(began, end), _between(here.woken, began, ended)
    trips = there.trips(began, end)
    if len(adds) != 1 or not reads or not trips:
        return []
    sent = adds[0][0]
    woken = _between(there.woken, sent, trips[0][0])
    if not woken:
        return []
    *loads, (commit, answered) = trips
    between = [at for load in loads for at in load]
    return [began, sent, woken[-1], *between, commit, reads[-1], ended, answered]


def _between(moments: Sequence[float], low: float, high: float) -> Sequence[float]:
    return moments[bisect(moments, low) : bisect(moments, high)]


def whole_of(moments: Moments) -> float:
    """From the client's call to its outcome."""
    return moments[-2] - moments[0]


def usual(each: Sequence[Moments]) -> Sequence[Moments]:
    """The fifth in the middle: medians of steps would not add up to the median of the whole."""
    ordered = sorted(each, key=whole_of)
    aside = len(ordered) * 2 // 5
    return ordered[aside : len(ordered) - aside]
