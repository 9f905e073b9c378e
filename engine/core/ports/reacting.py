"""The log as a reaction reads it, and where its commands go."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from engine.core.ports.reading import NO_NOTES, LogReader
from engine.core.records import Checkpoint

NO_MARKS: Mapping[int, str] = MappingProxyType({})
"""What a step has to say of marks where nothing was sent."""


class Submission(NamedTuple):
    """Commands for one partition, each as its five fields, and the mark that they move.

    ``expected`` is the mark of the ``source`` there, as its reader knows it.
    """

    target: int
    source: str
    expected: str
    mark: str
    commands: Sequence[Mapping[str, bytes]]


class ReactionLog(LogReader, Protocol):
    """One partition's log and how far one reaction has come in it, for its lease's holder."""

    async def sent(self) -> dict[int, str]:
        """The marks that were sent, as they are noted beside the checkpoint, by partition."""

    async def marks(self, source: str, targets: Iterable[int]) -> dict[int, str]:
        """The marks of a source as partitions have them."""

    async def submit(self, submissions: Sequence[Submission]) -> list[str]:
        """Add commands to partitions, each one's in one step with the mark; not fenced.

        Answers the marks that stand there then. One that is not the submission's own is not
        the expected one either: nothing was added there. Raises `Refused` where a
        partition took nothing; others may have.
        """

    async def move(
        self,
        built_on: int,
        reached: Checkpoint,
        sent: Mapping[int, str] = NO_MARKS,
        notes: Mapping[str, str] = NO_NOTES,
    ) -> None:
        """Move the checkpoint, note marks and parked aggregates, in one step; raises `Fenced`.

        ``notes`` are fields about parked aggregates, empty for those that go.
        """
