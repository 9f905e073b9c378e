"""Sending commands from inside to partitions, each once, whoever sends them again.

A partition's mark of a source moves in one step with the commands that it stands for. The sender
says which mark it expects there, exactly; where another one stands nothing was added, and what
that one means decides (`engine.core.marks`):

=================  ==========================================================================
the mark is        then
=================  ==========================================================================
higher             somebody sent before us: go on behind it
lower              the partition lost its tail, and commands with it: the source is read again
of a lost branch   what it stands for is lost, where it was sent is not: said, and gone on from
                   where the histories part
=================  ==========================================================================
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from engine.core.branches import Branch
from engine.core.marks import UNMARKED, Mark, reach_of, read_mark
from engine.core.ports import ReactionLog, Submission
from engine.core.routed import Wish
from engine.runtime.patience import Patiently
from engine.telemetry import log, metrics


class Sender:
    """The marks of one source, as its reader knows them.

    Every partition has what follows from events up to ``position``, but for some that have more,
    or less: those are remembered by how far they have come.
    """

    def __init__(  # noqa: PLR0913 -- a source, and all that its marks are judged by
        self,
        router: str,
        source: str,
        log: ReactionLog,
        branches: Sequence[Branch],
        position: int,
        patiently: Patiently,
    ) -> None:
        self._router, self._source, self._log = router, source, log
        self._branches, self._position, self._patiently = branches, position, patiently
        self._expected: dict[int, str] = {}
        self._reached: dict[int, int] = {}
        self._unwritten: dict[int, str] = {}

    @property
    def marks(self) -> Mapping[int, str]:
        """What the next step must note beside the checkpoint."""
        return self._unwritten

    def noted(self) -> None:
        """That step is done."""
        self._unwritten = {}

    @property
    def lowest(self) -> int:
        """Behind which position the source must be read so that no partition lacks anything."""
        return min([self._position, *self._reached.values()])

    async def begin(self) -> None:
        """Look at the marks that were sent, as the partitions have them."""
        self._expected = await self._log.sent()
        found = await self._log.marks(self._source, list(self._expected))
        for target, mark in found.items():
            self._learn(target, mark)

    def done(self, position: int) -> None:
        """All that follows from events up to here was sent."""
        if position >= self._position:
            self._position = position
            self._reached = {t: at for t, at in self._reached.items() if at > position}
        else:
            for target, at in self._reached.items():
                self._reached[target] = max(at, position)

    async def send(self, wishes: Sequence[Wish]) -> None:
        """Send what the partitions do not have; wishes of one event for one go in one call.

        A partition that has lost its tail gets nothing: see `lowest`.
        """
        waiting: dict[int, list[Wish]] = {}
        for wish in wishes:
            if wish.position > self._reached.get(wish.target, self._position):
                waiting.setdefault(wish.target, []).append(wish)
        while waiting:
            submissions = [self._submission(target, mine) for target, mine in waiting.items()]
            found = await self._patiently(partial(self._log.submit, submissions))
            for each, mark in zip(submissions, found, strict=True):
                mine = waiting.pop(each.target)
                if mark == each.mark:
                    self._sent(each.target, mark, mine)
                elif self._learn(each.target, mark):
                    at = self._reached[each.target]
                    if left := [wish for wish in mine if wish.position > at]:
                        waiting[each.target] = left

    def _submission(self, target: int, wishes: Sequence[Wish]) -> Submission:
        mark = Mark(wishes[-1].position, self._branches[-1].name)
        commands = [wish.fields for wish in wishes]
        expected = self._expected.get(target, str(UNMARKED))
        return Submission(target, self._source, expected, str(mark), commands)

    def _sent(self, target: int, mark: str, wishes: Sequence[Wish]) -> None:
        self._expected[target] = self._unwritten[target] = mark
        self._reached[target] = wishes[-1].position
        metrics.REACTION_COMMANDS.labels(self._router).inc(len(wishes))

    def _learn(self, target: int, found: str) -> bool:
        """Take a mark for what it means; False where the partition has lost something."""
        expected = self._expected.get(target, str(UNMARKED))
        if found == expected:
            return True
        reach = reach_of(read_mark(found), self._branches)
        about = {
            "reaction": self._router, "source": self._source, "partition": target,
            "expected": expected, "found": found,
        }  # fmt: skip
        if reach.is_lost:
            log.error("reaction.diverged", goes_on_behind=reach.position, **about)
        is_whole = reach.position >= read_mark(expected).position
        if is_whole:
            self._reached[target] = max(reach.position, self._position)
        else:
            log.error("reaction.sends_again", behind=reach.position, **about)
            self._reached[target] = reach.position
        self._expected[target] = self._unwritten[target] = found
        return is_whole


def portions(wishes: Sequence[Wish], count: int, size: int) -> Iterator[Sequence[Wish]]:
    """Runs of about ``count`` commands and ``size`` bytes at the most; no event is cut in two."""
    start, held = 0, 0
    for at, wish in enumerate(wishes):
        is_new = at > start and wish.position != wishes[at - 1].position
        if is_new and (at - start >= count or held >= size):
            yield wishes[start:at]
            start, held = at, 0
        held += sum(map(len, wish.fields.values()))
    if start < len(wishes):
        yield wishes[start:]
