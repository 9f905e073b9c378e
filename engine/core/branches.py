"""Branches: which places in a partition's history still exist.

Every server that a partition's history was written on begins a branch: a random name, and
the position ``since`` which it goes on. Where a server came back with older data, the
branch begins below what the one before it had reached, and what lay beyond is lost.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Branch(NamedTuple):
    """One unbroken history: its name, the position found at its beginning, and its server."""

    name: str
    since: int
    server: str


def exists(branches: Sequence[Branch], name: str, position: int) -> bool:
    """Whether a place still exists: its branch is known, and no later one began below it.

    The beginning, position 0, exists on every branch.
    """
    if position == 0:
        return True
    names = [branch.name for branch in branches]
    if name not in names:
        return False
    later = branches[names.index(name) + 1 :]
    return all(position <= branch.since for branch in later)
