"""How far something long has come: a bar on a terminal, elsewhere a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.edge.cli.output import say

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_SECONDS = 5.0
"""Between lines where there is no terminal: often enough to see that it lives."""

Advance = Callable[[int, str], None]
"""Told that so much more is done, and how all stands now."""

Reach = Callable[[int, int, str], None]
"""Told how much is done, of how much there is by now, and how all stands."""


@contextmanager
def gauge(total: int | None, line_seconds: float = LINE_SECONDS) -> Iterator[Advance]:
    """Show progress on stderr; ``total`` is what there is to do, None where nobody knows."""
    if not sys.stderr.isatty():
        tell = _lines(line_seconds)
        yield lambda _size, said: tell(said)
        return
    with _bar(timed=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda size, said: bar.update(task, advance=size, description=said)


@contextmanager
def growing(line_seconds: float = LINE_SECONDS) -> Iterator[Reach]:
    """The same, where what there is to do grows; whoever tells knows what time is left."""
    if not sys.stderr.isatty():
        tell = _lines(line_seconds)
        yield lambda _done, _total, said: tell(said)
        return
    with _bar(timed=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, said: bar.update(
            task, completed=done, total=total, description=said
        )


def _bar(*, timed: bool) -> "Progress":
    from rich.console import Console  # noqa: PLC0415 -- slow to import, and only for terminals
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = [BarColumn(), TextColumn("{task.description}")]
    columns += [TimeRemainingColumn(compact=True)] if timed else []
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _lines(seconds: float) -> Callable[[str], None]:
    due = time.monotonic() + seconds

    def tell(said: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            say(said)

    return tell
