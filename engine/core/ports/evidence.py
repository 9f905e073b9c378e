"""What an audit reads of one generation of a projection, and of the log that it came from."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from engine.core.audit.ends import Names
from engine.core.audit.moment import Group, Moment, SeenRow
from engine.core.records import Checkpoint, Entry


class Walked(NamedTuple):
    """A step through all keys: rows and groups of the generation that were met.

    ``cursor`` is where the next step begins; "0" when all have been met, "0" to begin.
    """

    cursor: str
    rows: Sequence[str]
    groups: Sequence[Group]


class Evidence(Protocol):
    """Reads of one generation, which change nothing, while everything runs."""

    async def moment(self) -> Moment:
        """How far it has come."""

    async def see(self, rows: Mapping[str, Iterable[Group]]) -> list[SeenRow]:
        """Some rows as they stand, all at one moment, with the entries of these groups too."""

    async def walk(self, cursor: str, count: int) -> Walked:
        """Look at about ``count`` keys, of whatever kind, and go on next time."""

    def members(self, group: Group) -> AsyncIterator[Sequence[str]]:
        """The rows of a group of an index, page by page; some come twice."""

    async def some_members(self, group: Group, count: int) -> Sequence[str]:
        """Some rows of a group of an index, at random."""

    def log(self, partition: int, after: int, upto: int, count: int) -> AsyncIterator[list[Entry]]:
        """The log's entries above a position, up to another, ``count`` at a time at the most."""

    async def checkpoint(self, partition: int) -> tuple[Checkpoint, int]:
        """How far the generation has come in a partition, and the head, in one step."""

    async def branches(self, partition: int) -> list[Entry]:
        """The servers that a partition's history was written on, as they were noted."""

    def names(self, partition: int) -> Names:
        """A partition's keys."""

    def checkpoint_key(self, partition: int) -> str:
        """The key of a checkpoint."""

    def row_key(self, row: str) -> str:
        """The key of a row."""

    def group_key(self, group: Group) -> str:
        """The key of an index's group."""
