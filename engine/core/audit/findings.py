"""What an audit finds: an invariant that does not hold, and the place where it does not."""

from collections.abc import Iterable

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One fault: which check, and where; what should stand there, and what does.

    ``partition`` is None where rows are of all partitions. ``id`` is a stream's entry, a
    hash's field or a sorted set's member; empty where the whole key is meant.
    """

    check: str
    partition: int | None
    key: str
    id: str
    expected: str
    found: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What stays the same when the same fault is found again, while values move on."""
        return self.check, self.key, self.id

    @property
    def row(self) -> str:
        """The row that it is about; empty where it is about none."""
        if self.check.startswith("entry_"):
            return self.id
        _, _, name = self.key.partition("@")[2].partition(":")
        return name if self.check.startswith("row_") else ""

    @property
    def field(self) -> str:
        """The field of a hash that it is about; empty where it is about a whole key."""
        return "" if self.check.startswith("entry_") else self.id

    def __str__(self) -> str:
        """One sentence for people."""
        of = f"partition {self.partition}: " if self.partition is not None else ""
        at = f" {self.id}" if self.id else ""
        return f"{of}{self.key}{at}: expected {self.expected}, found {self.found}"


def confirmed(first: Iterable[Finding], again: Iterable[Finding]) -> list[Finding]:
    """What was found twice; what only one reading saw was on the move."""
    before = {finding.place for finding in first}
    return [finding for finding in again if finding.place in before]
