"""Loading what a partition remembers of ids, as far as that is needed at any time."""

from collections.abc import Sequence

from engine.core.ids import just_above, stream_ms
from engine.core.intake import Received
from engine.core.outcome import Outcome
from engine.core.ports import Ledger
from engine.core.records import Head
from engine.core.window import Window

WINDOW_PAGE = 2000
"""Outcomes loaded at a time: a few milliseconds, so that serving goes on in between."""


class Remembering:
    """Fills a window, newest first: outcomes, and with them what became of the deferred.

    An owner gives the ``head`` that it begins with: what is answered later the window learns by
    itself. So nothing is loaded until an id comes that may have been answered before.
    """

    def __init__(self, ledger: Ledger, window: Window, head: Head | None = None) -> None:
        self._ledger, self._window = ledger, window
        self._late_below, self._late_is_loaded = "+", False
        self._late_ahead: list[Outcome] = []
        if head is not None:
            window.lowest = just_above(head.command)
            self._late_below = just_above(head.late)

    async def enough(self, received: Sequence[Received]) -> None:
        """Load until a repeat among these commands would be known."""
        while not all(self._window.covers(command) for command in received):
            await self.more()

    async def more(self) -> None:
        """Load a page."""
        page = await self._ledger.outcomes(self._window.lowest, WINDOW_PAGE)
        is_last = len(page) < WINDOW_PAGE
        late = await self._late_since(0 if is_last else stream_ms(page[-1].entry))
        self._window.load(page, late, last=is_last)

    async def _late_since(self, ms: int) -> list[Outcome]:
        """Late outcomes back to a time: no deferred command has one below its own.

        Older ones that came with them are kept for their own time: a window is in order.
        """
        ahead = self._late_ahead
        while not self._late_is_loaded and (not ahead or stream_ms(ahead[-1].late) >= ms):
            page = await self._ledger.late(self._late_below, WINDOW_PAGE)
            self._late_is_loaded = len(page) < WINDOW_PAGE
            ahead += page
            self._late_below = page[-1].late if page else self._late_below
        due = [outcome for outcome in ahead if stream_ms(outcome.late) >= ms]
        del ahead[: len(due)]
        return due
