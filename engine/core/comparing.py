"""Comparing two generations: the rows of one beside those of the other, where both stand alike.

A row says by its watermarks which events it has taken. Two rows that have taken the same must
be equal if the same code made them; where the code has changed, what differs is what the change
did. A row that has moved on in one generation only says nothing, and is looked at again.
"""

from collections.abc import Mapping, Sequence

import msgspec

from engine.core.fold import WATERMARK, differing
from engine.core.ports.building import Pair

EXAMPLES_LIMIT = 20
"""Differences that are kept to be shown: enough to see what they have in common."""


class Difference(msgspec.Struct, frozen=True):
    """One field of one row; None for what is not there, ``field`` is empty for a whole row."""

    row: str
    field: str
    previous: str | None
    live: str | None


class Compared(msgspec.Struct):
    """What came of comparing; ``rows`` counts those compared, ``differ`` those that differ.

    ``unsettled`` are rows that had not taken the same events, whenever they were looked at.
    ``same_code`` says whether differences are an alarm.
    """

    same_code: bool
    rows: int = 0
    differ: int = 0
    unsettled: int = 0
    examples: list[Difference] = []


class Comparing:
    """One comparison, row by row.

    ``live`` and ``previous`` say how far each generation had come in each partition before
    the first row was read.
    """

    def __init__(self, live: Sequence[int], previous: Sequence[int], *, same_code: bool) -> None:
        self._live, self._previous = live, previous
        self.result = Compared(same_code)

    def take(self, pair: Pair) -> bool:
        """Compare one row; False where both have not taken the same, or it cannot be known."""
        found = None
        if not pair.previous:
            if _is_within(pair.live, self._previous):
                found = [Difference(pair.row, "", None, "a row")]
        elif not pair.live:
            if _is_within(pair.previous, self._live):
                found = [Difference(pair.row, "", "a row", None)]
        elif _marks(pair.live) == _marks(pair.previous):
            found = _differences(pair)
        if found is None:
            return False
        self.result.rows += 1
        if found:
            self.result.differ += 1
            self.result.examples += found[: EXAMPLES_LIMIT - len(self.result.examples)]
        return True


def written(compared: Compared) -> str:
    """A result as it is kept."""
    return msgspec.json.encode(compared).decode()


def read_compared(text: str) -> Compared:
    """A result as it was kept."""
    return msgspec.json.decode(text, type=Compared)


def _marks(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if name.startswith(WATERMARK)}


def _is_within(fields: Mapping[str, str], reached: Sequence[int]) -> bool:
    """Whether all that a row has taken lies within what a generation has applied.

    Of a mark that no projector has written nothing is known.
    """
    known = {f"{WATERMARK}{partition}": position for partition, position in enumerate(reached)}
    return all(
        text.isdecimal() and int(text) <= known.get(name, -1)
        for name, text in _marks(fields).items()
    )


def _differences(pair: Pair) -> list[Difference]:
    return [
        Difference(pair.row, name, pair.previous.get(name), pair.live.get(name))
        for name in differing(pair.previous, pair.live)
    ]
