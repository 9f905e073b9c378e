"""Following views: what a step of a projection changed, and what an answer was made of.

With its rows each step of a projector writes one entry to the generation's change stream,
``{semel:P}:changed:NAME@GEN``: which rows it changed, and which groups of indexes they
entered, left or moved in. An answer was made of rows, there or not, and of such groups.
While none of them changes, whoever asks again is told the same, for a query's handler reads
nothing else. So an answer is followed by asking anew when something of it has changed.

A change only says that there is something to see. What there is stands in the rows; and
whether it differs from what somebody was told before is seen by a digest, which his token
holds (`engine.core.resuming`).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from engine.core.fold import group_name
from engine.core.records import Entry

CHANGES_KEPT = 1024
"""Events whose changes are told, as in ``lua/shared/changed.lua``."""


class Change(NamedTuple):
    """What one step changed. ``after`` is the change told before: without gaps, the last one read.

    ``groups`` are the ends of index keys: ``by_customer:c-1``.
    """

    after: str
    rows: Sequence[str]
    groups: Sequence[str]

    def parts(self) -> Iterator[str]:
        """What answers are made of, as far as it has changed."""
        yield from map(part_of_row, self.rows)
        yield from map(part_of_group, self.groups)


def read_change(entry: Entry) -> Change | None:
    """An entry of a change stream; None for one that no projector has written."""
    try:
        after, rows, groups = (entry.fields[name] for name in (b"after", b"rows", b"groups"))
        return Change(after.decode(), _names(rows), _names(groups))
    except (KeyError, UnicodeDecodeError, msgspec.DecodeError):
        return None


_names = msgspec.json.Decoder(list[str]).decode


def part_of_row(row: str) -> str:
    """A row, as a part of an answer."""
    return f"row {row}"


def part_of_group(group: str) -> str:
    """A group of an index, as a part of an answer."""
    return f"group {group}"


def index_group(index: str, group: Sequence[str]) -> str:
    """A group of an index, as changes name it."""
    return f"{index}:{group_name(group)}"
