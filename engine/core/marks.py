"""Marks: up to which event of a log a partition has the commands that follow from it.

A partition keeps one for each source of commands from inside, and moves it in one step with the
commands that it stands for (`submit.lua`). So whoever reads a source again, finds in the mark
what is there already. A mark says its position's branch too: where that history was lost, it
stands for events that never were, and says nothing of those that took their places.
"""

from collections.abc import Sequence
from typing import NamedTuple

from engine.core.branches import Branch
from engine.core.errors import Torn


class Mark(NamedTuple):
    """A position of a source's log, and the branch that it was on; ``<position>-<branch>``."""

    position: int
    branch: str

    def __str__(self) -> str:
        """The form in which it is kept."""
        return f"{self.position}-{self.branch}"


UNMARKED = Mark(0, "0")
"""Of a source that has sent nothing yet."""


def read_mark(text: str) -> Mark:
    """A mark as it was kept; raises `Torn` where it is none."""
    position, dash, branch = text.partition("-")
    if not dash or not position.isdecimal():
        raise Torn(f"{text!r} is not a mark: those look like 1042-1f9c83d0")
    return Mark(int(position), branch)


class Reach(NamedTuple):
    """Up to which position the commands are there, and whether a mark stood for lost events."""

    position: int
    is_lost: bool


def reach_of(mark: Mark, branches: Sequence[Branch]) -> Reach:
    """What a mark means for the history as it is now.

    Where events of it were lost, all up to where the histories part are there. The branch
    itself may be among what was lost; then the last one began where they part.
    """
    if mark.position == 0:
        return Reach(0, is_lost=False)
    names = [branch.name for branch in branches]
    later = branches[names.index(mark.branch) + 1 :] if mark.branch in names else branches[-1:]
    position = min([mark.position, *(branch.since for branch in later)])
    return Reach(position, mark.branch not in names or position < mark.position)
