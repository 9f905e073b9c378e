"""How far a long load has come: a bar on a terminal, elsewhere a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.edge.cli.output import say

LINE_SECONDS = 5.0
"""Between lines where there is no terminal: often enough to see that it lives."""

Advance = Callable[[int, str], None]
"""Told that so many bytes more are done, and how all stands now."""


@contextmanager
def gauge(total: int | None, line_seconds: float = LINE_SECONDS) -> Iterator[Advance]:
    """Show progress on stderr; ``total`` bytes, or None where that is not known."""
    if not sys.stderr.isatty():
        yield _lines(line_seconds)
        return
    from rich.console import Console  # noqa: PLC0415 -- slow to import, and only for terminals
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(compact=True)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda size, said: bar.update(task, advance=size, description=said)


def _lines(seconds: float) -> Advance:
    due = time.monotonic() + seconds

    def advance(_size: int, said: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            say(said)

    return advance
