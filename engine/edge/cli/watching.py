"""Looking again and again: a screen that is drawn anew, or one document after the other."""

import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from engine.core.errors import Doubt, Unavailable, single
from engine.edge.cli.options import Format
from engine.edge.cli.output import say, show, tell
from engine.edge.cli.running import until_interrupted

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.settings import Settings

_CLEAR, _HOME, _END_LINE, _END_SCREEN = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl-C.")]
Interval = Annotated[
    float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="With --watch: how often.")
]


class Look(NamedTuple):
    """What one look saw, as programs and as people read it."""

    data: Any
    text: list[str]


Looking = Callable[["RedisSession"], Awaitable[Look]]


async def watched(
    settings: "Settings", look: Looking, output: Format, interval: float | None
) -> int:
    """Show one look; with an ``interval`` one after the other, until Ctrl-C. Returns 0.

    On a terminal each is drawn over the one before. Once something was seen, a Redis that goes
    away is waited for.
    """
    from engine.app import namespace_session  # noqa: PLC0415

    if interval is None:
        async with namespace_session(settings) as session:
            seen = await look(session)
        show(output, seen.data, seen.text)
        return 0
    watching = _Watching(look, output, interval)

    async def work() -> None:
        while True:
            try:
                async with namespace_session(settings) as session:
                    await watching.go_on(session)
            except (Doubt, Unavailable, BaseExceptionGroup) as errors:
                await watching.bear(single(errors))

    await until_interrupted(work)
    return 0


class _Watching:
    """Looks that follow each other, over whatever becomes of Redis."""

    def __init__(self, look: Looking, output: Format, interval: float) -> None:
        self._look, self._output, self._interval = look, output, interval
        self._draws = output is Format.TEXT and sys.stdout.isatty()
        self._has_seen = False

    async def go_on(self, session: "RedisSession") -> None:
        """Look and show, for as long as the session lasts."""
        import anyio  # noqa: PLC0415

        while True:
            seen = await self._look(session)
            if self._draws:
                _draw(seen.text, anew=not self._has_seen)
            else:
                # Texts are told apart by an empty line; a document of JSON is a line.
                show(self._output, seen.data, [*seen.text, ""])
                sys.stdout.flush()
            self._has_seen = True
            await anyio.sleep(self._interval)

    async def bear(self, error: BaseException) -> None:
        """Wait after a break; raises what ended the first look, or what nobody foresaw."""
        import anyio  # noqa: PLC0415

        if not self._has_seen or not isinstance(error, Doubt | Unavailable):
            raise error
        say(f"Redis is asked again: {error}")
        await anyio.sleep(self._interval)


def _draw(text: list[str], *, anew: bool) -> None:
    """As much as fits, over what was there before: without a flicker."""
    typer.echo(_CLEAR * anew + _HOME, nl=False)
    for line in _fitting(text, *shutil.get_terminal_size()):
        tell(line + _END_LINE)
    typer.echo(_END_SCREEN, nl=False)
    sys.stdout.flush()


def _fitting(text: list[str], columns: int, lines: int) -> Iterator[str]:
    """The lines that a terminal has room for, each no wider than that; the cursor takes one."""
    room = lines - 1
    shown = text if len(text) <= room else text[: room - 1]
    for line in shown:
        yield line if len(line) <= columns else f"{line[: columns - 1]}…"
    if len(shown) < len(text):
        yield f"… {len(text) - len(shown)} lines more"[:columns]
