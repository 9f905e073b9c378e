"""What somebody may have meant who wrote a name that is none."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.5
"""How much of two names must agree: one may have a letter or a word that the other has not."""


def meant(name: str, known: Iterable[str]) -> str:
    """``Did you mean X? `` for the closest known name; nothing where none is close."""
    close = get_close_matches(name, [*known], 1, _ALIKE)
    return f"Did you mean {close[0]}? " if close else ""
