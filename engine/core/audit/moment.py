"""What an audit reads of a generation: rows, and how far it had come at that very moment.

A row, its index entries, the checkpoints and the notes on parked aggregates change together,
in one step. Read in one step, they say exactly which events the row must have taken: never
a false alarm, however much moves.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from engine.core.fold import WATERMARK, group_of
from engine.core.projection import Index
from engine.core.records import LoggedEvent

Group = tuple[str, str]
"""An index and one of its groups, as their key names them."""


class Moment(msgspec.Struct, frozen=True):
    """How far a generation has come: its position by partition, and who is passed over.

    ``parked`` has partitions in which anybody is: aggregates, each from a position on.
    """

    positions: Sequence[int]
    parked: Mapping[int, Mapping[str, int]] = {}

    def takes(self, partition: int, event: LoggedEvent) -> bool:
        """Whether the rows of that moment have taken an event."""
        if event.position > self.positions[partition]:
            return False
        parked = self.parked.get(partition)
        return parked is None or event.position < parked.get(event.aggregate, event.position + 1)

    @property
    def passed_over(self) -> int:
        """How many aggregates are parked."""
        return sum(map(len, self.parked.values()))


class SeenRow(msgspec.Struct, frozen=True):
    """A row as it was read; no fields where there is none, None for an entry not there.

    ``entries`` has the groups that the row says it is in, and those that were asked for.
    """

    name: str
    fields: Mapping[str, str]
    entries: Mapping[Group, float | None]
    moment: Moment

    @property
    def partitions(self) -> Iterator[int]:
        """Those whose events the row says it has taken."""
        known = range(len(self.moment.positions))
        for name in self.fields:
            number = name.removeprefix(WATERMARK)
            if name.startswith(WATERMARK) and number.isdecimal() and int(number) in known:
                yield int(number)

    def contradicts(self, indexes: Sequence[Index]) -> bool:
        """Whether the row is somewhere where it does not say that it is: one of both is wrong."""
        said = set(groups_of(indexes, self.fields))
        return any(score is not None and group not in said for group, score in self.entries.items())


def groups_of(indexes: Sequence[Index], fields: Mapping[str, str]) -> Iterator[Group]:
    """The groups that a row is in, as its own fields say."""
    for index in indexes:
        group = group_of(index, fields)
        if group is not None:
            yield index.name, group
