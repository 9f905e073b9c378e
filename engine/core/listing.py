"""Lists: the groups of an index in their order, and cursors that say where one goes on.

A cursor holds the last entry that was shown, by its score and its row's id. The place behind
that entry is the same whether the entry is still there or not, so whatever comes or goes
meanwhile, who follows cursors sees each entry that stays where it is exactly once.

It also holds a digest of that and of its list: what was cut short, or belongs to another index,
group or direction, is refused. It is neither secret nor permission: whoever may ask for a list
may begin it anywhere.
"""

import math
import struct
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from engine.core.errors import Misuse
from engine.core.fold import group_name, group_of
from engine.core.projection import Index, Projection

_SCORE = struct.Struct("!d")
_DIGEST_BYTES = 4
"""What is confused or cut short here is so by mistake, not by malice: 32 bits tell."""

_LENGTH_LIMIT = 1100
"""Characters of a cursor: a row's id has 200 of four bytes at the most."""


class Ranked(NamedTuple):
    """An entry of an index: a row, by the score that it stands at."""

    row: str
    score: float


class Slice(NamedTuple):
    """Entries of a list, ``start`` many behind its beginning, of ``total`` in all."""

    entries: Sequence[Ranked]
    start: int
    total: int

    @property
    def is_last(self) -> bool:
        """Whether the list ends here."""
        return self.start + len(self.entries) >= self.total


@dataclass(frozen=True, slots=True)
class Listing:
    """One group of a projection's index, in one direction."""

    projection: str
    index: Index
    group: tuple[str, ...]
    newest_first: bool = False

    def has(self, fields: Mapping[str, str]) -> bool:
        """Whether a row belongs here, by its fields as they are kept."""
        return group_of(self.index, fields) == group_name(self.group)

    def cursor(self, last: Ranked) -> str:
        """What leads behind an entry of this list: URL-safe, 27 characters for ``order-42``."""
        place = _SCORE.pack(last.score) + last.row.encode()
        return urlsafe_b64encode(self._digest(place) + place).decode().rstrip("=")

    def place(self, cursor: str) -> Ranked:
        """The entry that a cursor leads behind; raises `Misuse` for what is no cursor of this."""
        with suppress(ValueError, struct.error):
            packed = b64decode(f"{cursor}{'=' * (-len(cursor) % 4)}", b"-_", validate=True)
            digest, place = packed[:_DIGEST_BYTES], packed[_DIGEST_BYTES:]
            (score,) = _SCORE.unpack(place[: _SCORE.size])
            last = Ranked(place[_SCORE.size :].decode(), score)
            is_sound = len(cursor) <= _LENGTH_LIMIT and not math.isnan(score)
            if is_sound and digest == self._digest(place):
                return last
        raise Misuse(
            f"{cursor!r:.60} is no cursor of {self}: pass on what `next` said, whole, with the "
            f"question that it was told for, or begin anew without a cursor"
        )

    def __str__(self) -> str:
        """The list in words, as errors name it."""
        order = "newest" if self.newest_first else "oldest"
        values = ", ".join(map(repr, self.group))
        return f"{self.projection}.{self.index.name} of {values}, the {order} first"

    def _digest(self, place: bytes) -> bytes:
        # Its fields too: an index that was declared anew has other places under its old name.
        group, index = group_name(self.group), astuple(self.index)
        said = repr((self.projection, index, group, self.newest_first, place)).encode()
        return blake2b(said, digest_size=_DIGEST_BYTES, person=b"cursor 1").digest()


def listing_of(
    projection: Projection[Any],
    index: str,
    group: Sequence[str],
    newest_first: bool,  # noqa: FBT001
) -> Listing:
    """A list that exists; raises `Misuse` where there is no such index, or not of these values."""
    known = {each.name: each for each in projection.indexes}
    if index not in known:
        raise Misuse(f"{projection.name} has no index {index!r}; it has {', '.join(known)}")
    if len(group) != len(known[index].group):
        raise Misuse(
            f"{index} groups by {', '.join(known[index].group)}: {len(group)} values given"
        )
    return Listing(projection.name, known[index], tuple(group), newest_first)
