"""Bounded lists in a row: the last few things that happened, oldest first.

A list stands in its hash field as a JSON array with one item a line; inside an item no line
ends, for JSON escapes that. So an item is added and the oldest dropped by cutting text, here
as in ``lua/shared/list.lua``: nothing is decoded on the way, so nothing can change.
"""

from collections.abc import Hashable
from functools import cache
from typing import get_args, get_origin, get_type_hints

from engine.core.errors import Refused

LIST_LIMIT = 100
"""Items in one list. A batch may append to 256 rows in one script: with 100 items of 60 bytes
that takes it 4 ms, and it grows with their number. More than that are rows of their own."""

_BETWEEN = ",\n"


def appended(text: str | None, item: str, limit: int) -> str:
    """A list's text with one item more at its end, and no more than ``limit``."""
    if text is not None and not (len(text) > len("[]") and text[0] + text[-1] == "[]"):
        raise Refused(f"{text!r:.50} is not a list that can be appended to")
    items = [] if text is None else text[1:-1].split(_BETWEEN)
    return f"[{_BETWEEN.join([*items, item][-limit:])}]"


@cache
def list_fields(row: Hashable) -> frozenset[str]:
    """The fields of a row that are declared as ``tuple[Item, ...]``."""
    return frozenset(
        name
        for name, kind in get_type_hints(row).items()
        if get_origin(kind) is tuple and get_args(kind)[1:] == (...,)
    )
